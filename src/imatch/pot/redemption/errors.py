"""Errors of redemptions. Each is also a ValueError, which callers of POTService expect.

The ledger's own errors (too few POT, too small an allowance) pass unchanged.
"""

from collections.abc import Sequence

from imatch.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from imatch.pot.models import PotRedemption, RedemptionStatus


class RedemptionClosed(Conflict, ValueError):
    """The person cannot redeem at present, or the site does not offer it; see `reasons`."""

    code = "redemption_closed"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


class NotRedeemable(Conflict, ValueError):
    """The requested amount cannot be redeemed now."""

    code = "not_redeemable"

    def __init__(self, message: str) -> None:
        super().__init__(message, fields=(FieldError("pot", message, "pot"),))


class UnknownPaymentMethod(Invalid, ValueError):
    code = "unknown_payment_method"

    def __init__(self, payment_method: object) -> None:
        super().__init__(f"Unknown payment method: {payment_method}")


class RedemptionNotFound(NotFound, ValueError):
    code = "redemption_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such redemption.")


class RedemptionDecided(Conflict, ValueError):
    """The redemption is already decided, cancelled, paid or on its way to the bank."""

    code = "redemption_decided"

    def __init__(self, redemption: PotRedemption) -> None:
        is_exported = (
            redemption.status == RedemptionStatus.APPROVED and redemption.exported_at is not None
        )
        state = "on its way to the bank" if is_exported else redemption.status
        super().__init__(f"This redemption is {state}: nothing was changed.")


class OwnRedemption(Forbidden, ValueError):
    """Operators must not decide on their own redemptions."""

    code = "own_redemption"

    def __init__(self) -> None:
        super().__init__("This is your own: another operator decides.")


class NotPayableYet(Conflict, ValueError):
    code = "not_payable_yet"
