"""Row ids: which whole numbers can be one, in a service, in a path and in a query."""

from typing import Annotated, Final, TypeGuard

from pydantic import Field

# The largest integer of a 64-bit column. Both databases raise an error for a larger parameter.
MAX_BIGINT: Final = 2**63 - 1

# An id in an address or a document: anything else is refused with 422.
RowId = Annotated[int, Field(ge=1, le=MAX_BIGINT)]


def is_id(value: object) -> TypeGuard[int]:
    """Whether a row can have this id: a whole number from 1 to MAX_BIGINT, and no bool."""
    return type(value) is int and 0 < value <= MAX_BIGINT
