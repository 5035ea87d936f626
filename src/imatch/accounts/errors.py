"""Errors about accounts. Those that POTService may raise are ValueErrors too."""

from imatch.core.errors import FieldError, Forbidden, Invalid, NotFound


class UserNotFound(NotFound, ValueError):
    code = "user_not_found"

    def __init__(self, user_id: object) -> None:
        super().__init__(f"User {user_id} not found")


class OperatorsOnly(Forbidden, ValueError):
    code = "operators_only"

    def __init__(self) -> None:
        super().__init__("This is for those who run the marketplace.")


class BadEmail(Invalid):
    code = "bad_email"

    def __init__(self) -> None:
        message = "Enter an e-mail address such as name@example.org."
        super().__init__(message, fields=(FieldError("email", message, "email"),))
