"""How far the reserve covers what people may redeem, and what may be paid out because of it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.ledger import CASH
from imatch.ledger.queries import people_totals, system_balances
from imatch.pot.models import PotRedemption
from imatch.pot.policy import service as policy
from imatch.pot.policy.service import Numbers

FORMULA = "reserve ÷ sum of all allowances"
_WEEK = timedelta(days=7)


class CoverageState(StrEnum):
    NORMAL = "normal"
    BUFFER_FIRST = "buffer_first"  # covered, but new commission fills the buffer
    THROTTLED = "throttled"  # a small part of the reserve a week, small payouts first
    PAUSED = "paused"  # nothing is paid; requests wait


@dataclass(frozen=True, slots=True)
class Coverage:
    """`ratio` is None while nobody has an allowance.

    `payable_cents` is what may be paid to everybody together now; the reserve always holds it.
    """

    reserve_cents: int
    allowances_cents: int
    ratio: float | None
    state: CoverageState
    payable_cents: int


def coverage(db: Session) -> Coverage:
    """The reserve against all allowances, those set aside for requests included."""
    numbers = policy.current(db)
    reserve = system_balances(db, CASH)["reserve"]
    allowances, _held = people_totals(db, CASH)
    ratio = reserve / allowances if allowances else None
    state = _state(ratio, numbers)
    return Coverage(reserve, allowances, ratio, state, _payable(db, reserve, state, numbers))


def lacks_buffer(reserve_cents: int, allowances_cents: int, numbers: Numbers) -> bool:
    """Whether the reserve is less than normal coverage asks for."""
    return bool(allowances_cents) and reserve_cents / allowances_cents < numbers.normal_coverage


def _state(ratio: float | None, numbers: Numbers) -> CoverageState:
    if ratio is None or ratio >= numbers.normal_coverage:
        return CoverageState.NORMAL
    if ratio >= numbers.full_coverage:
        return CoverageState.BUFFER_FIRST
    if ratio >= numbers.paused_coverage:
        return CoverageState.THROTTLED
    return CoverageState.PAUSED


def _payable(db: Session, reserve: int, state: CoverageState, numbers: Numbers) -> int:
    if state is CoverageState.PAUSED:
        return 0
    if state is not CoverageState.THROTTLED:
        return max(reserve, 0)
    paid = select(func.coalesce(func.sum(PotRedemption.payout_cents), 0)).where(
        PotRedemption.status == "paid", PotRedemption.paid_at > now() - _WEEK
    )
    share = int(reserve * Decimal(str(numbers.weekly_payout_share)))
    return max(share - (db.scalar(paid) or 0), 0)
