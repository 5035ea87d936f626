"""What happens in the POT economy, as facts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OptionPurchased:
    """Something was bought with POT; who owns the effect applies it."""

    purchase_id: int
    user_id: int
    option: str
    reference_type: str | None
    reference_id: int | None
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class OptionEnded:
    """It ran out, or was refunded: the effect goes."""

    purchase_id: int
    user_id: int
    option: str
    reference_type: str | None
    reference_id: int | None


@dataclass(frozen=True, slots=True)
class AllowanceWithdrawn:
    """`cents` of a person's cash allowance are about to be taken, because of a reversal.

    Listeners give back open requests that rely on it, so that it is free.
    """

    user_id: int
    cents: int
