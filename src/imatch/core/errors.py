"""Errors that a caller can act on. Each edge (page, JSON, command line) renders them once."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: `control_id` is where a form should put the focus."""

    field: str
    message: str
    control_id: str = ""


class DomainError(Exception):
    """Something a person did that cannot be done; the message is written for that person."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    # The page where a person can put this right, to come back afterwards; "" if there is none.
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
    """Too many tries; `retry_after_seconds` says when the next one may come."""

    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
