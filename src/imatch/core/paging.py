"""Cursor pagination: stable under inserts, every page costs the same."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from imatch.core.errors import Invalid
from imatch.core.ids import MAX_BIGINT

Row = TypeVar("Row")


class BadCursor(Invalid):
    code = "bad_cursor"


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    items: Sequence[Row]
    next_cursor: str | None


def encode_cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(f"id:{last_id}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """The id after which the page starts; None for the first page. Raises BadCursor."""
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise BadCursor("This cursor is not one that we gave out.") from error
    prefix, _, digits = text.partition(":")
    readable = prefix == "id" and digits.isdecimal() and len(digits) <= len(str(MAX_BIGINT))
    if not readable or int(digits) > MAX_BIGINT:
        raise BadCursor("This cursor is not one that we gave out.")
    return int(digits)


def page_of(rows: Sequence[Row], limit: int, id_of: Callable[[Row], int]) -> Page[Row]:
    """The first `limit` of up to `limit` + 1 rows, with the cursor of the next page."""
    items = rows[:limit]
    more = len(rows) > limit
    return Page(items, encode_cursor(id_of(items[-1])) if more else None)
