"""Errors that a caller can act on. Pages, API and command line each render them in one place."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one field. `control_id` is the HTML id that a form focuses."""

    field: str
    message: str
    control_id: str = ""


class DomainError(Exception):
    """A request that cannot be fulfilled. The message is written for the person who made it."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    # The page where the person can fix this and return afterwards; "" if there is none.
    remedy_path: ClassVar[str] = ""

    def __init__(self, message: str, *, fields: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class Unauthenticated(DomainError):
    status = 401
    code = "unauthenticated"


class Forbidden(DomainError):
    status = 403
    code = "forbidden"


class NotFound(DomainError):
    status = 404
    code = "not_found"


class Conflict(DomainError):
    status = 409
    code = "conflict"


class Gone(DomainError):
    status = 410
    code = "gone"


class Invalid(DomainError):
    status = 422
    code = "invalid"


class RateLimited(DomainError):
    """Too many requests. `retry_after_seconds` says when the next one is allowed."""

    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
