"""Coverage: the reserve divided by all allowances, and the amount that may be paid out."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.money import Money, usd
from imatch.ledger import CASH, SystemAccount
from imatch.ledger.queries import people_totals, system_balances
from imatch.pot.models import PotRedemption, RedemptionStatus
from imatch.pot.policy import service as policy
from imatch.pot.policy.service import Numbers

FORMULA = "reserve ÷ sum of all allowances"
_WEEK = timedelta(days=7)


class CoverageState(StrEnum):
    NORMAL = "normal"
    BUFFER_FIRST = "buffer_first"  # fully covered; new commission also fills the buffer
    THROTTLED = "throttled"  # pays a small share of the reserve per week, small payouts first
    PAUSED = "paused"  # nothing is paid; requests wait


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage now. `ratio` is None while nobody has an allowance.

    `payable` is the sum of payouts that may be paid now; it never exceeds the reserve.
    """

    reserve: Money
    allowances: Money
    ratio: float | None
    state: CoverageState
    payable: Money


def coverage(db: Session) -> Coverage:
    """The reserve divided by all allowances, including held ones."""
    numbers = policy.current(db)
    reserve = usd(system_balances(db, CASH)[SystemAccount.RESERVE])
    allowances = usd(people_totals(db, CASH)[0])
    ratio = _ratio(reserve, allowances)
    state = _state(ratio, numbers)
    return Coverage(reserve, allowances, ratio, state, _payable(db, reserve, state, numbers))


def lacks_buffer(reserve: Money, allowances: Money, numbers: Numbers) -> bool:
    """Whether the reserve is below normal coverage."""
    ratio = _ratio(reserve, allowances)
    return ratio is not None and ratio < numbers.normal_coverage


def _ratio(reserve: Money, allowances: Money) -> float | None:
    return reserve.cents / allowances.cents if allowances.cents else None


def _state(ratio: float | None, numbers: Numbers) -> CoverageState:
    if ratio is None or ratio >= numbers.normal_coverage:
        return CoverageState.NORMAL
    if ratio >= numbers.full_coverage:
        return CoverageState.BUFFER_FIRST
    if ratio >= numbers.paused_coverage:
        return CoverageState.THROTTLED
    return CoverageState.PAUSED


def _payable(db: Session, reserve: Money, state: CoverageState, numbers: Numbers) -> Money:
    if state is CoverageState.PAUSED:
        return usd(0)
    if state is not CoverageState.THROTTLED:
        return max(reserve, usd(0))
    paid = select(func.coalesce(func.sum(PotRedemption.payout_cents), 0)).where(
        PotRedemption.status == RedemptionStatus.PAID, PotRedemption.paid_at > now() - _WEEK
    )
    share = int(reserve.cents * Decimal(str(numbers.weekly_payout_share)))
    return usd(max(share - int(db.scalar(paid) or 0), 0))
