"""Why a redemption was refused. Each is a ValueError too: programs that call POTService expect one.

What the ledger refuses (too few POT, too small an allowance) passes as it is.
"""

from collections.abc import Sequence

from imatch.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from imatch.pot.models import PotRedemption, RedemptionStatus


class RedemptionClosed(Conflict, ValueError):
    """Something about the person or this site stands against redeeming at all."""

    code = "redemption_closed"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


class NotRedeemable(Conflict, ValueError):
    """So many POT cannot be redeemed now."""

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
    """It went another way already."""

    code = "redemption_decided"

    def __init__(self, redemption: PotRedemption) -> None:
        with_the_bank = (
            redemption.status == RedemptionStatus.APPROVED and redemption.exported_at is not None
        )
        words = "on its way to the bank" if with_the_bank else redemption.status
        super().__init__(f"This redemption is {words}: nothing was changed.")


class OwnRedemption(Forbidden, ValueError):
    """Operators decide nothing about their own money."""

    code = "own_redemption"

    def __init__(self) -> None:
        super().__init__("This is your own: another operator decides.")


class NotPayableYet(Conflict, ValueError):
    code = "not_payable_yet"
