"""Errors of POTService. Each is also a ValueError, which callers of POTService expect."""

from imatch import ledger
from imatch.core.errors import Conflict, Invalid


class UnknownEarningCategory(Invalid, ValueError):
    code = "unknown_earning_category"

    def __init__(self, category: object) -> None:
        super().__init__(f"Unknown earning category: {category}")


class UnknownSpendingCategory(Invalid, ValueError):
    code = "unknown_spending_category"

    def __init__(self, category: object) -> None:
        super().__init__(f"Unknown spending category: {category}")


class AmountRequired(Invalid, ValueError):
    code = "amount_required"

    def __init__(self, category: str) -> None:
        super().__init__(f"Category {category} requires amount parameter")


class BadAmount(Invalid, ValueError):
    code = "bad_amount"


class BadArgument(Invalid, ValueError):
    """Any other invalid argument: an account type, a reference, a page."""

    code = "bad_argument"


class InsufficientPot(Conflict, ValueError):
    code = "insufficient_pot"

    def __init__(self, *, required: int, available: int) -> None:
        super().__init__(f"Insufficient POT balance. Required: {required}, Available: {available}")
        self.required = required
        self.available = available


class POTKeyReused(ledger.KeyReused, ValueError):
    """The idempotency key was used before with other input."""
