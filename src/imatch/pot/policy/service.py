"""Monetary policy: the economy's numbers, and each week's minting and award budget.

This module applies the arithmetic of `controller` to the books. Supply is the POT of the treasury
and of people. Burned, redeemed and clawed back POT have left it.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import and_, func, not_, select
from sqlalchemy.orm import Session, SessionTransaction

from imatch.core import clock
from imatch.core.database import atomic, is_atomic
from imatch.core.errors import Conflict
from imatch.core.settings import get_settings
from imatch.ledger import POT, Movement, SystemAccount, TransactionType, post
from imatch.ledger.models import PotTransaction
from imatch.ledger.queries import people_totals, system_balances
from imatch.pot.models import ProposalStatus
from imatch.pot.policy import controller
from imatch.pot.policy.models import PotPolicyRun, PotPolicyVersion
from imatch.pot.rules import EARNINGS, AwardClass

WEEK = timedelta(weeks=1)
# The system accounts of POT that have left supply.
_SINK_ACCOUNTS = (SystemAccount.BURNED, SystemAccount.REDEEMED, SystemAccount.CLAWED_BACK)

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[int, Field(ge=0, le=100)]
DayCount = Annotated[int, Field(ge=0, le=3_650)]
PolicyAmount = Annotated[int, Field(ge=0, le=10**12)]


class Numbers(BaseModel):
    """Every number of the economy that operators may change. A policy version stores one set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Supply and the award budget (see `controller`).
    genesis_pot: Annotated[int, Field(ge=0, le=10**12)] = 10_000_000
    yearly_growth: Share = 0.10
    half_life_weeks: Annotated[float, Field(gt=0, le=52)] = 4
    correction_weeks: Annotated[float, Field(ge=1, le=52)] = 8
    treasury_share: Share = 0.005
    smallest_step: Share = 0.875
    largest_step: Annotated[float, Field(ge=1, le=2)] = 1.125
    first_weekly_budget: PolicyAmount = 23_000
    monthly_award_cap: PolicyAmount | None = 100_000

    # Clearing of commission and the allowances it grants.
    clearing_days: DayCount = 60
    clearing_days_if_risky: DayCount = 120  # large deals and new payers
    large_deal_cents: PolicyAmount = 100_000
    provider_percent: Percent = 25
    seeker_percent: Percent = 10
    referrer_percent: Percent = 20
    buffer_percent: Percent = 5
    most_percent: Percent = 80  # of a commission that may reach the reserve at all

    # Redemption's gates and limits.
    smallest_redemption: Annotated[int, Field(ge=1, le=10**9)] = 100
    most_a_day: PolicyAmount = 250
    most_in_30_days: PolicyAmount = 1_000
    most_in_a_year: PolicyAmount = 10_000
    account_age_days: DayCount = 60
    hold_days: DayCount = 7
    hold_days_after_new_details: DayCount = 14

    # Coverage of allowances by the reserve.
    normal_coverage: Annotated[float, Field(ge=1, le=10)] = 1.10
    full_coverage: Annotated[float, Field(ge=1, le=10)] = 1.00
    paused_coverage: Share = 0.80
    weekly_payout_share: Share = 0.05  # of the reserve, while coverage is below full


@dataclass(frozen=True, slots=True)
class WeekBudget:
    """POT that awards may cost this week. `left` is at least 0, though class A may overspend."""

    total: int
    spent: int

    @property
    def left(self) -> int:
        return max(self.total - self.spent, 0)


@dataclass(frozen=True, slots=True)
class Supply:
    """All existing POT, by owner, and `gone`: all POT that ever left supply."""

    treasury: int
    people: int
    gone: int

    @property
    def total(self) -> int:
        return self.treasury + self.people


class NoGenesis(Conflict):
    """The economy has not begun."""

    code = "no_genesis"

    def __init__(self) -> None:
        super().__init__("There is no POT yet. Call `imatch migrate`, which mints the first ones.")


def monday_of(moment: datetime) -> date:
    """The first day of the moment's week, in UTC."""
    day = moment.date()
    return day - timedelta(days=day.weekday())


def current_version(db: Session) -> PotPolicyVersion | None:
    """The approved version in effect now; None before genesis."""
    return db.scalar(
        select(PotPolicyVersion)
        .where(
            PotPolicyVersion.status == ProposalStatus.APPROVED,
            PotPolicyVersion.effective_at <= clock.now(),
        )
        .order_by(PotPolicyVersion.effective_at.desc(), PotPolicyVersion.id.desc())
        .limit(1)
    )


def current(db: Session) -> Numbers:
    """The economy's numbers in effect now."""
    version = current_version(db)
    return Numbers.model_validate(version.numbers) if version else Numbers()


def genesis(db: Session) -> bool:
    """Mint the first POT into the treasury. Idempotent; returns whether this call minted them."""
    with atomic(db):
        numbers = Numbers(genesis_pot=get_settings().pot_genesis)
        if _genesis_at(db):
            return False
        db.add(
            PotPolicyVersion(
                numbers=numbers.model_dump(),
                reason="Genesis",
                status=ProposalStatus.APPROVED,
                decided_at=clock.now(),
                effective_at=clock.now(),
            )
        )
        if numbers.genesis_pot:
            _mint(db, "genesis", numbers.genesis_pot, "Genesis")
    return True


def supply(db: Session) -> Supply:
    """The POT of the treasury and of people, and the POT that left supply."""
    system = system_balances(db, POT)
    people, _held = people_totals(db, POT)
    return Supply(
        system[SystemAccount.TREASURY], people, sum(system[name] for name in _SINK_ACCOUNTS)
    )


def last_run(db: Session) -> PotPolicyRun | None:
    return db.scalar(select(PotPolicyRun).order_by(PotPolicyRun.week.desc()).limit(1))


def last_runs(db: Session, limit: int) -> list[PotPolicyRun]:
    """The weekly decisions, the latest first, at most `limit`."""
    return list(db.scalars(select(PotPolicyRun).order_by(PotPolicyRun.week.desc()).limit(limit)))


def is_due(db: Session) -> bool:
    """Whether a week since genesis has begun that no run has decided yet."""
    genesis_at, run = _genesis_at(db), last_run(db)
    if genesis_at is None:
        return False
    return monday_of(clock.now()) > (run.week if run else monday_of(genesis_at))


def run_week(db: Session, monday: date | None = None) -> PotPolicyRun:
    """Mint and set the award budget of a week, and of all missed weeks before it.

    Idempotent per week. The POT that left supply since the last run are divided evenly among
    the weeks. Returns the latest run. Raises NoGenesis.
    """
    week = monday or monday_of(clock.now())
    with atomic(db):
        version = current_version(db)
        if version is None or version.effective_at is None:
            raise NoGenesis
        previous_run = last_run(db)
        if previous_run is not None and previous_run.week >= week:
            return previous_run
        genesis_at = _genesis_at(db) or version.effective_at
        weeks = _undecided_weeks(previous_run.week if previous_run else monday_of(genesis_at), week)
        current_supply = supply(db)
        gone_before = int(previous_run.inputs["gone"]) if previous_run else 0
        left_per_week = max(current_supply.gone - gone_before, 0) / len(weeks)
        for due_week in weeks:
            decided = _decide(
                version,
                previous_run,
                current_supply,
                left_per_week,
                _weeks_between(genesis_at, due_week),
            )
            previous_run = PotPolicyRun(week=due_week, policy_version_id=version.id, **decided)
            db.add(previous_run)
            db.flush()
            if previous_run.minted:
                _mint(db, f"mint:{due_week}", previous_run.minted, f"Week of {due_week}")
            current_supply = Supply(
                current_supply.treasury + previous_run.minted,
                current_supply.people,
                current_supply.gone,
            )
    assert previous_run is not None  # noqa: S101 -- `weeks` is never empty
    return previous_run


def dry_run(db: Session) -> dict[str, object]:
    """The inputs and decision of the next week's run, if it ran now. Raises NoGenesis."""
    version = current_version(db)
    if version is None or version.effective_at is None:
        raise NoGenesis
    previous_run, current_supply = last_run(db), supply(db)
    gone_before = int(previous_run.inputs["gone"]) if previous_run else 0
    weeks = _weeks_between(_genesis_at(db) or version.effective_at, monday_of(clock.now()) + WEEK)
    return _decide(
        version, previous_run, current_supply, max(current_supply.gone - gone_before, 0), weeks
    )


def _decide(
    version: PotPolicyVersion,
    previous_run: PotPolicyRun | None,
    current_supply: Supply,
    left_this_week: float,
    weeks: float,
) -> dict[str, object]:
    """One week's inputs and decision, as columns of PotPolicyRun."""
    numbers = Numbers.model_validate(version.numbers)
    leaving = left_this_week
    previous_budget = numbers.first_weekly_budget
    if previous_run is not None:
        leaving = controller.smoothed(
            previous_run.inputs["leaving"], left_this_week, numbers.half_life_weeks
        )
        previous_budget = previous_run.award_budget
    growth = controller.weekly_growth(numbers.yearly_growth)
    target = controller.target_supply(numbers.genesis_pot, numbers.yearly_growth, weeks)
    minted = controller.mint(
        supply=current_supply.total,
        leaving=leaving,
        growth=growth,
        target=target,
        correction_weeks=numbers.correction_weeks,
    )
    # An empty treasury never stops awards: the amount that class A overdrew is minted on top.
    shortfall = max(-(current_supply.treasury + minted), 0)
    budget = controller.award_budget(
        leaving=leaving,
        treasury=current_supply.treasury,
        previous=previous_budget,
        treasury_share=numbers.treasury_share,
        smallest_step=numbers.smallest_step,
        largest_step=numbers.largest_step,
        monthly_cap=numbers.monthly_award_cap,
    )
    inputs = {
        "supply": current_supply.total,
        "treasury": current_supply.treasury,
        "people": current_supply.people,
        "gone": current_supply.gone,
        "left_this_week": round(left_this_week, 3),
        "leaving": round(leaving, 3),
        "growth": round(growth * current_supply.total, 3),
        "target": round(target, 3),
        "weeks": round(weeks, 3),
        "previous_budget": previous_budget,
        "shortfall": shortfall,
    }
    return {"inputs": inputs, "minted": minted + shortfall, "award_budget": budget}


def budget(db: Session) -> WeekBudget:
    """The award budget of this week, and the POT of class B awards and grants paid so far."""
    transaction = db.get_transaction()
    spending = _spending.get(transaction) if transaction else None
    monday = monday_of(clock.now())
    if spending is None or spending.monday != monday:
        run = last_run(db)
        total = run.award_budget if run else current(db).first_weekly_budget
        spending = _Spending(monday, total)
    spending.spent, spending.last_id = _spent(db, spending)
    transaction = db.get_transaction()
    if transaction is not None and is_atomic(db):
        _spending[transaction] = spending
    return WeekBudget(spending.total, spending.spent)


def lock_budget(db: Session) -> None:
    """Lock the weekly budget until the transaction ends, so that it is not spent twice."""
    genesis_row = select(PotPolicyVersion.id).order_by(PotPolicyVersion.id).limit(1)
    db.execute(genesis_row.with_for_update(key_share=True))


@dataclass(slots=True)
class _Spending:
    """The running total of this week's awards, up to the journal row `last_id`."""

    monday: date
    total: int
    spent: int = 0
    last_id: int = 0


# The running total is kept for the transaction: a thousand awards in one transaction then read
# the week's rows once, not a thousand times.
_spending: WeakKeyDictionary[SessionTransaction, _Spending] = WeakKeyDictionary()
_ALWAYS_PAID = [rule.name for rule in EARNINGS if rule.award_class is AwardClass.ALWAYS]


def _spent(db: Session, spending: _Spending) -> tuple[int, int]:
    """The POT awarded in the week, without class A rules, and the id of the last row counted."""
    row = PotTransaction
    by_rule = and_(
        row.category.in_(_ALWAYS_PAID), row.idempotency_key.startswith("earn:" + row.category + ":")
    )
    since = datetime.combine(spending.monday, time(), tzinfo=clock.now().tzinfo)
    query = select(
        func.coalesce(func.sum(row.amount).filter(not_(by_rule)), 0), func.max(row.id)
    ).where(row.transaction_type == TransactionType.EARN)
    query = query.where(row.id > spending.last_id if spending.last_id else row.created_at >= since)
    added, last_id = db.execute(query).one()
    return spending.spent + int(added), last_id or spending.last_id


def _undecided_weeks(last_decided: date, week: date) -> list[date]:
    """The Mondays after `last_decided` up to `week`; `week` is always included."""
    first = min(last_decided + WEEK, week)
    return [first + WEEK * number for number in range((week - first) // WEEK + 1)]


def _genesis_at(db: Session) -> datetime | None:
    """When genesis, the first version, took effect; None before it."""
    return db.scalar(select(PotPolicyVersion.effective_at).order_by(PotPolicyVersion.id).limit(1))


def _weeks_between(genesis_at: datetime, monday: date) -> float:
    return max((datetime.combine(monday, time(), tzinfo=genesis_at.tzinfo) - genesis_at) / WEEK, 0)


def _mint(db: Session, key: str, amount: int, description: str) -> None:
    post(
        db,
        POT,
        Movement(
            key=key,
            system_account=SystemAccount.TREASURY,
            counter_account=SystemAccount.MINT,
            amount=amount,
            transaction_type=TransactionType.MINT,
            category="policy",
            description=description,
        ),
    )
