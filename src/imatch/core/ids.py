"""Row ids: the valid range, for services, paths and query parameters."""

from typing import Annotated, Final, TypeGuard

from pydantic import Field

# The largest integer of a 64-bit column. Both databases raise an error for a larger parameter.
MAX_BIGINT: Final = 2**63 - 1

# An id in a path or a document; other values are refused with 422.
RowId = Annotated[int, Field(ge=1, le=MAX_BIGINT)]


def is_id(value: object) -> TypeGuard[int]:
    """Whether the value is an int, not a bool, from 1 to MAX_BIGINT."""
    return type(value) is int and 0 < value <= MAX_BIGINT
