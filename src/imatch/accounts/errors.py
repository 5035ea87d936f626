"""Why something about an account was refused. Each is a ValueError too: POTService raises them."""

from imatch.core.errors import Forbidden, NotFound


class UserNotFound(NotFound, ValueError):
    code = "user_not_found"

    def __init__(self, user_id: object) -> None:
        super().__init__(f"User {user_id} not found")


class OperatorsOnly(Forbidden, ValueError):
    code = "operators_only"

    def __init__(self) -> None:
        super().__init__("This is for those who run the marketplace.")
