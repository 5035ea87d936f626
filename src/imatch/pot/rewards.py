"""Hear what people did, and award what the rules say: how much, how often, at once or queued.

Class A is paid at once. Class B is paid out of the week's budget; while that is empty, or others
wait, it is queued first in first out: late, never lost.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts import DayBegun, ThirtyDaysVisited
from imatch.ledger import POT, Movement, post
from imatch.pot import caps, policy
from imatch.pot.clawbacks import settle_debts
from imatch.pot.locks import lock_people
from imatch.pot.models import PotAward
from imatch.pot.rules import EARNINGS, AwardClass, Earning, Window

_STREAK_DAYS = 30
_BATCH = 200
_WEEK = timedelta(weeks=1)

_RULES: dict[type, list[Earning]] = defaultdict(list)
for _rule in EARNINGS:
    _RULES[_rule.fact].append(_rule)
REWARDED_FACTS = tuple(_RULES)


@dataclass(frozen=True, slots=True)
class EarningStanding:
    """How often a person may still earn by a rule in its present window; None if uncounted."""

    earning: Earning
    times_left: int | None
    window: Window | None


@dataclass(frozen=True, slots=True)
class _Due:
    rule: Earning
    user_id: int
    amount: int
    key: str


def hear(db: Session, fact: object) -> None:
    """Award what a fact earns. Heard twice, also at the same moment, it pays once.

    Above a cap, or for somebody who is no longer here, it earns nothing.
    """
    due = _due(fact)
    if not due:
        return
    with atomic(db):
        here = lock_people(db, {one.user_id for one in due})
        keys = [one.key for one in due]
        known = set(db.scalars(select(PotAward.key).where(PotAward.key.in_(keys))))
        for one in due:
            if one.user_id in here and one.key not in known and _award(db, one, fact):
                _look_at_streak(db, one, fact)


def pay_queue(db: Session) -> int:
    """Pay queued awards, the oldest first, while this week's budget lasts; returns how many."""
    paid = 0
    while True:
        with atomic(db):
            more = _pay_batch(db)
        paid += more
        if more < _BATCH:
            return paid


def standings(db: Session, user_id: int) -> list[EarningStanding]:
    """What a person may still earn, rule by rule, in the rules' order."""
    left = caps.times_left(db, user_id, now())
    return [
        EarningStanding(rule, left[rule.name], rule.cap.window if rule.cap else None)
        for rule in EARNINGS
    ]


def queued(db: Session, user_id: int) -> Sequence[PotAward]:
    """A person's awards that wait, the oldest first."""
    mine = _queue().where(PotAward.user_id == user_id)
    return db.scalars(mine.order_by(PotAward.id)).all()


def oldest_queued(db: Session) -> datetime | None:
    """Since when the award that is paid next has waited; None if none waits."""
    first = select(PotAward.earned_at).where(PotAward.status == "queued")
    return db.scalar(first.order_by(PotAward.id).limit(1))


def expected_payment(db: Session, award: PotAward) -> date | None:
    """The day by which a queued award is paid if budgets stay as they are; None if unknown."""
    if award.status != "queued":
        return award.paid_at.date() if award.paid_at else None
    ahead = db.scalar(
        select(func.sum(PotAward.amount)).where(
            PotAward.status == "queued", PotAward.id <= award.id
        )
    )
    budget = policy.budget(db)
    missing = int(ahead or 0) - budget.left
    if missing <= 0:
        return now().date()
    if budget.total <= 0:
        return None
    weeks = -(-missing // budget.total)
    return policy.monday_of(now()) + weeks * _WEEK


def _due(fact: object) -> list[_Due]:
    """What the rules give for a fact, before caps."""
    off = getattr(fact, "rewards_off", ())
    due = []
    for rule in _RULES[type(fact)]:
        user_id = rule.earner(fact)
        if user_id is None or rule.name in off or not rule.when(fact):
            continue
        amount = rule.amount(fact)
        if amount > 0:
            due.append(_Due(rule, user_id, amount, rule.key(fact)))
    return due


def _award(db: Session, due: _Due, fact: object) -> bool:
    """Pay or queue one award; False if its cap is reached."""
    moment, scope = now(), caps.scope_of(due.rule, fact)
    if not caps.has_room(db, due.rule, due.user_id, scope, moment):
        return False
    reference_type, reference_id = due.rule.reference(fact)
    award = PotAward(
        key=due.key,
        user_id=due.user_id,
        rule=due.rule.name,
        cap_scope=scope,
        amount=due.amount,
        award_class=due.rule.award_class,
        status="queued",
        reference_type=reference_type,
        reference_id=reference_id,
        earned_at=moment,
    )
    at_once = due.rule.award_class is AwardClass.ALWAYS or _next_is_affordable(db, due.amount)
    db.add(award)
    db.flush()
    if at_once:
        _pay(db, award, due.rule.title)
    return True


def _next_is_affordable(db: Session, amount: int) -> bool:
    if db.scalar(select(PotAward.id).where(PotAward.status == "queued").limit(1)) is not None:
        return False  # who came first is paid first
    return _fits(policy.budget(db), amount)


def _fits(budget: policy.WeekBudget, amount: int) -> bool:
    # One award above a whole week's budget would otherwise wait for ever, and all behind it.
    return amount <= budget.left or (budget.spent == 0 and budget.total > 0)


def _queue() -> Select[PotAward]:
    return select(PotAward).where(PotAward.status == "queued")


def _pay_batch(db: Session) -> int:
    waiting = _queue().order_by(PotAward.id).limit(_BATCH).with_for_update()
    awards = db.scalars(waiting.execution_options(populate_existing=True)).all()
    lock_people(db, {award.user_id for award in awards})
    titles = {rule.name: rule.title for rule in EARNINGS}
    paid = 0
    for award in awards:
        if not _fits(policy.budget(db), award.amount):
            break
        _pay(db, award, titles.get(award.rule, award.rule))
        paid += 1
    return paid


def _pay(db: Session, award: PotAward, title: str) -> None:
    entry = post(
        db,
        POT,
        Movement(
            key=award.key,
            user_id=award.user_id,
            amount=award.amount,
            counter_account="treasury",
            transaction_type="earn",
            category=award.rule,
            description=title,
            reference_type=award.reference_type,
            reference_id=award.reference_id,
        ),
    )
    award.status = "paid"
    award.paid_at = entry.created_at
    award.transaction_id = entry.id
    settle_debts(db, award.user_id, award.amount, f"award:{award.id}")
    db.flush()


def _look_at_streak(db: Session, due: _Due, fact: object) -> None:
    """Every thirty days that earned something are a fact of their own."""
    if not isinstance(fact, DayBegun):
        return
    days = select(func.count()).where(
        PotAward.user_id == due.user_id,
        PotAward.rule == due.rule.name,
        PotAward.status != "clawed_back",
    )
    visited = db.scalar(days) or 0
    if visited and visited % _STREAK_DAYS == 0:
        announce(db, ThirtyDaysVisited(due.user_id, visited))
