"""Facts of the POT economy."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OptionPurchased:
    """An option was bought with POT. The domain of the option applies its effect."""

    purchase_id: int
    user_id: int
    option: str
    reference_type: str | None
    reference_id: int | None
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class OptionEnded:
    """An option expired or was refunded. The domain of the option ends its effect."""

    purchase_id: int
    user_id: int
    option: str
    reference_type: str | None
    reference_id: int | None


@dataclass(frozen=True, slots=True)
class AllowanceWithdrawn:
    """`cents` of a person's allowance are about to be withdrawn because of a reversal.

    Listeners cancel open requests that use this allowance.
    """

    user_id: int
    cents: int
