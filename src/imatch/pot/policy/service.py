"""Monetary policy: the economy's numbers, and each week's minting and award budget.

The controller's arithmetic is in `controller`; here it meets the books. Supply is what the
treasury and people have; what is burned, redeemed or clawed back has left it.
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
# Where POT leaves supply.
_GONE = (SystemAccount.BURNED, SystemAccount.REDEEMED, SystemAccount.CLAWED_BACK)

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[int, Field(ge=0, le=100)]
DayCount = Annotated[int, Field(ge=0, le=3_650)]
PolicyAmount = Annotated[int, Field(ge=0, le=10**12)]


class Numbers(BaseModel):
    """Every number of the economy that operators may change; a version of the policy is one."""

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
    """What awards may cost this week; `left` is never below 0, though class A may overspend."""

    total: int
    spent: int

    @property
    def left(self) -> int:
        return max(self.total - self.spent, 0)


@dataclass(frozen=True, slots=True)
class Supply:
    """All POT there are, and all that ever left."""

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
    """Mint the first POT into the treasury, once; True if this call did it."""
    with atomic(db):
        numbers = Numbers(genesis_pot=get_settings().pot_genesis)
        if _began(db):
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
    """Where all POT are."""
    system = system_balances(db, POT)
    people, _held = people_totals(db, POT)
    return Supply(system[SystemAccount.TREASURY], people, sum(system[name] for name in _GONE))


def last_run(db: Session) -> PotPolicyRun | None:
    return db.scalar(select(PotPolicyRun).order_by(PotPolicyRun.week.desc()).limit(1))


def last_runs(db: Session, limit: int) -> list[PotPolicyRun]:
    """The latest weeks' decisions, newest first."""
    return list(db.scalars(select(PotPolicyRun).order_by(PotPolicyRun.week.desc()).limit(limit)))


def is_due(db: Session) -> bool:
    """Whether a week has begun since genesis that no run has decided yet."""
    began, run = _began(db), last_run(db)
    if began is None:
        return False
    return monday_of(clock.now()) > (run.week if run else monday_of(began))


def run_week(db: Session, monday: date | None = None) -> PotPolicyRun:
    """Mint and set the award budget of a week, and of all weeks missed before it, once each.

    Missed weeks share evenly what left supply since the last run. Returns the latest run.
    """
    week = monday or monday_of(clock.now())
    with atomic(db):
        version = current_version(db)
        if version is None or version.effective_at is None:
            raise NoGenesis
        before = last_run(db)
        if before is not None and before.week >= week:
            return before
        began = _began(db) or version.effective_at
        weeks = _due(before.week if before else monday_of(began), week)
        found = supply(db)
        gone_before = int(before.inputs["gone"]) if before else 0
        left_a_week = max(found.gone - gone_before, 0) / len(weeks)
        for due in weeks:
            decided = _decide(version, before, found, left_a_week, _weeks_between(began, due))
            before = PotPolicyRun(week=due, policy_version_id=version.id, **decided)
            db.add(before)
            db.flush()
            if before.minted:
                _mint(db, f"mint:{due}", before.minted, f"Week of {due}")
            found = Supply(found.treasury + before.minted, found.people, found.gone)
    assert before is not None  # noqa: S101 -- there is at least one week
    return before


def dry_run(db: Session) -> dict[str, object]:
    """What the coming week's run would see and decide, if it came now."""
    version = current_version(db)
    if version is None or version.effective_at is None:
        raise NoGenesis
    before, found = last_run(db), supply(db)
    gone_before = int(before.inputs["gone"]) if before else 0
    weeks = _weeks_between(_began(db) or version.effective_at, monday_of(clock.now()) + WEEK)
    return _decide(version, before, found, max(found.gone - gone_before, 0), weeks)


def _decide(
    version: PotPolicyVersion,
    before: PotPolicyRun | None,
    found: Supply,
    left_this_week: float,
    weeks: float,
) -> dict[str, object]:
    """One week's inputs and decision, as columns of PotPolicyRun."""
    numbers = Numbers.model_validate(version.numbers)
    leaving = left_this_week
    previous = numbers.first_weekly_budget
    if before is not None:
        leaving = controller.smoothed(
            before.inputs["leaving"], left_this_week, numbers.half_life_weeks
        )
        previous = before.award_budget
    growth = controller.weekly_growth(numbers.yearly_growth)
    target = controller.target_supply(numbers.genesis_pot, numbers.yearly_growth, weeks)
    minted = controller.mint(
        supply=found.total,
        leaving=leaving,
        growth=growth,
        target=target,
        correction_weeks=numbers.correction_weeks,
    )
    # Awards never fail for an empty treasury: what class A overdrew is minted on top.
    shortfall = max(-(found.treasury + minted), 0)
    budget = controller.award_budget(
        leaving=leaving,
        treasury=found.treasury,
        previous=previous,
        treasury_share=numbers.treasury_share,
        smallest_step=numbers.smallest_step,
        largest_step=numbers.largest_step,
        monthly_cap=numbers.monthly_award_cap,
    )
    inputs = {
        "supply": found.total,
        "treasury": found.treasury,
        "people": found.people,
        "gone": found.gone,
        "left_this_week": round(left_this_week, 3),
        "leaving": round(leaving, 3),
        "growth": round(growth * found.total, 3),
        "target": round(target, 3),
        "weeks": round(weeks, 3),
        "previous_budget": previous,
        "shortfall": shortfall,
    }
    return {"inputs": inputs, "minted": minted + shortfall, "award_budget": budget}


def budget(db: Session) -> WeekBudget:
    """What this week's awards may cost, and what budgeted and manual ones have cost so far."""
    transaction = db.get_transaction()
    known = _spending.get(transaction) if transaction else None
    monday = monday_of(clock.now())
    if known is None or known.monday != monday:
        run = last_run(db)
        total = run.award_budget if run else current(db).first_weekly_budget
        known = _Spending(monday, total)
    known.spent, known.last_id = _spent(db, known)
    transaction = db.get_transaction()
    if transaction is not None and is_atomic(db):
        _spending[transaction] = known
    return WeekBudget(known.total, known.spent)


def lock_budget(db: Session) -> None:
    """Let those who spend the week's budget follow each other, so that none is spent twice."""
    genesis_row = select(PotPolicyVersion.id).order_by(PotPolicyVersion.id).limit(1)
    db.execute(genesis_row.with_for_update(key_share=True))


@dataclass(slots=True)
class _Spending:
    """How far this week's awards have been added up."""

    monday: date
    total: int
    spent: int = 0
    last_id: int = 0


# Awards of one transaction add to what was counted before it, so that a thousand of them do not
# read the week a thousand times.
_spending: WeakKeyDictionary[SessionTransaction, _Spending] = WeakKeyDictionary()
_ALWAYS_PAID = [rule.name for rule in EARNINGS if rule.award_class is AwardClass.ALWAYS]


def _spent(db: Session, known: _Spending) -> tuple[int, int]:
    """What was awarded in the week, class A of the rules apart, and the last row counted."""
    row = PotTransaction
    by_rule = and_(
        row.category.in_(_ALWAYS_PAID), row.idempotency_key.startswith("earn:" + row.category + ":")
    )
    since = datetime.combine(known.monday, time(), tzinfo=clock.now().tzinfo)
    query = select(
        func.coalesce(func.sum(row.amount).filter(not_(by_rule)), 0), func.max(row.id)
    ).where(row.transaction_type == TransactionType.EARN)
    query = query.where(row.id > known.last_id if known.last_id else row.created_at >= since)
    more, last_id = db.execute(query).one()
    return known.spent + int(more), last_id or known.last_id


def _due(done: date, week: date) -> list[date]:
    """The weeks after `done` up to this one, which is always among them."""
    first = min(done + WEEK, week)
    return [first + WEEK * number for number in range((week - first) // WEEK + 1)]


def _began(db: Session) -> datetime | None:
    """When the first version, genesis's, took effect."""
    return db.scalar(select(PotPolicyVersion.effective_at).order_by(PotPolicyVersion.id).limit(1))


def _weeks_between(began: datetime, monday: date) -> float:
    return max((datetime.combine(monday, time(), tzinfo=began.tzinfo) - began) / WEEK, 0)


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
