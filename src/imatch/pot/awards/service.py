"""Hear what people did, and award what the rules say: how much, how often, at once or queued.

Class A is paid at once. Class B is paid out of the week's budget; while that is empty, or others
wait, it is queued first in first out: late, never lost. What is queued for somebody whose account
is closed, or held against fraud, waits until that ends, and nobody waits behind it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, exists, func, insert, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts.people import DayBegun, ThirtyDaysVisited
from imatch.jobs.run_each import run_each
from imatch.ledger import (
    POT,
    Entry,
    LedgerError,
    Movement,
    SystemAccount,
    TransactionType,
    post_many,
)
from imatch.pot import reversals
from imatch.pot.awards import caps
from imatch.pot.awards.clawbacks import debtors, settle_debts
from imatch.pot.awards.models import AwardStatus, PotAward
from imatch.pot.holds import HELD_PEOPLE
from imatch.pot.locks import lock_people
from imatch.pot.models import PotFraudHold
from imatch.pot.policy import service as policy
from imatch.pot.rules import EARNING_BY_NAME, EARNINGS, AwardClass, Earning, Window

_STREAK_DAYS = 30
_BATCH = 200
_WEEK = timedelta(weeks=1)
# Queued, and for somebody whom nothing keeps from it: paid as soon as there is a budget for it.
_PAYABLE = and_(
    PotAward.status == AwardStatus.QUEUED,
    exists().where(User.id == PotAward.user_id, User.active),
    PotAward.user_id.not_in(HELD_PEOPLE),
)

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
    scope: str  # what the rule's cap counts within
    reference: tuple[str | None, int | None]

    @property
    def engagement_id(self) -> int | None:
        kind, number = self.reference
        return number if kind == "engagement" else None


def on_rewarded_fact(db: Session, fact: object) -> None:
    """Award what a fact earns. Heard twice, also at the same moment, it pays once.

    Above a cap, for somebody who is no longer here, or for an engagement that was reversed, it
    earns nothing.
    """
    award_all(db, (fact,))


def award_all(db: Session, facts: Sequence[object]) -> None:
    """Award what each of these facts earns, as if heard one after the other, in fewer queries."""
    due = [one for fact in facts for one in _due(fact)]
    if not due:
        return
    with atomic(db):
        undone = reversals.among(db, [one.engagement_id for one in due])
        here = lock_people(db, {one.user_id for one in due})
        known = _known(db, [one.key for one in due])
        tally = caps.Tally(db, [(one.rule, one.user_id, one.scope) for one in due], now())
        earned = []
        for one in due:
            fresh = one.user_id in here and one.key not in known
            stands = one.engagement_id not in undone
            if fresh and stands and tally.take(one.rule, one.user_id, one.scope):
                known.add(one.key)
                earned.append(one)
        _award(db, earned)
        _look_at_streaks(db, earned)


def pay_queue(db: Session) -> int:
    """Pay queued awards, the oldest first, while this week's budget lasts; returns how many.

    One that cannot be paid stops no other; raises SomeFailed at the end.
    """
    paid, more = 0, _BATCH
    try:
        while more == _BATCH:
            with atomic(db), db.begin_nested():
                more = _pay_some(db, _next_in_queue(db, _BATCH))
            paid += more
    except Exception:  # noqa: BLE001 -- whichever it is will raise again when its own turn comes
        waiting = _next_in_queue(db)
        return paid + run_each(db, "award", waiting, lambda one: _pay_some(db, [one]) == 1)
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
    mine = select(PotAward).where(
        PotAward.status == AwardStatus.QUEUED, PotAward.user_id == user_id
    )
    return db.scalars(mine.order_by(PotAward.id)).all()


def oldest_queued(db: Session) -> datetime | None:
    """Since when the award that is paid next has waited; None if none waits."""
    return db.scalar(select(PotAward.earned_at).where(_PAYABLE).order_by(PotAward.id).limit(1))


def expected_payment(db: Session, award: PotAward) -> date | None:
    """The day by which a queued award is paid if budgets stay as they are; None if unknown."""
    if award.status != AwardStatus.QUEUED:
        return award.paid_at.date() if award.paid_at else None
    in_line = select(func.sum(PotAward.amount), func.max(PotAward.id)).where(_PAYABLE)
    ahead, last = db.execute(in_line.where(PotAward.id <= award.id)).one()
    if last != award.id:
        return None  # it waits for something else than the budget
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
            scope = caps.scope_of(rule, fact)
            due.append(_Due(rule, user_id, amount, rule.key(fact), scope, rule.reference(fact)))
    return due


def _known(db: Session, keys: Sequence[str]) -> set[str]:
    """Which of these were awarded before."""
    known: set[str] = set()
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        known.update(db.scalars(select(PotAward.key).where(PotAward.key.in_(batch))))
    return known


def _award(db: Session, earned: Sequence[_Due]) -> None:
    """Pay or queue each award, in order: who came first is paid first."""
    if not earned:
        return
    moment = now()
    purse = None
    payable = []
    people = {one.user_id for one in earned}
    suspects = set(db.scalars(HELD_PEOPLE.where(PotFraudHold.user_id.in_(people))))
    for one in earned:
        if one.rule.award_class is AwardClass.ALWAYS:
            payable.append(one)
            continue
        if one.user_id in suspects:
            continue
        purse = purse or _Purse.of_week(db, behind_queue=True)
        if purse.take(one.amount):
            payable.append(one)
    entries = _post(
        db,
        [
            _movement(one.rule.name, one.user_id, one.amount, one.key, one.reference)
            for one in payable
        ],
    )
    paid = dict(zip((one.key for one in payable), entries, strict=True))
    # Rows, not objects: nothing looks at them again, and there can be thousands.
    db.execute(insert(PotAward), [_row(one, moment, paid.get(one.key)) for one in earned])
    owing = debtors(db, {one.user_id for one in payable})
    owed_by = [one for one in payable if one.user_id in owing]
    for award in _with_keys(db, [one.key for one in owed_by]):
        settle_debts(db, award.user_id, award.amount, f"award:{award.id}")


def _row(one: _Due, earned_at: datetime, entry: Entry | None) -> dict[str, object]:
    """The award as it is stored: paid if it has its entry in the books, or queued."""
    return {
        "key": one.key,
        "user_id": one.user_id,
        "rule": one.rule.name,
        "cap_scope": one.scope,
        "amount": one.amount,
        "award_class": one.rule.award_class,
        "status": AwardStatus.PAID if entry else AwardStatus.QUEUED,
        "reference_type": one.reference[0],
        "reference_id": one.reference[1],
        "earned_at": earned_at,
        "paid_at": entry.created_at if entry else None,
        "transaction_id": entry.id if entry else None,
    }


def _with_keys(db: Session, keys: Sequence[str]) -> Sequence[PotAward]:
    if not keys:
        return ()
    return db.scalars(select(PotAward).where(PotAward.key.in_(keys)).order_by(PotAward.id)).all()


@dataclass(slots=True)
class _Purse:
    """What is left of the week's budget; closed as soon as somebody has to wait."""

    total: int
    spent: int
    closed: bool

    @classmethod
    def of_week(cls, db: Session, *, behind_queue: bool = False) -> "_Purse":
        """Until the transaction ends nobody else pays out of it. Lock people before."""
        policy.lock_budget(db)
        budget = policy.budget(db)
        return cls(budget.total, budget.spent, behind_queue and _somebody_waits(db))

    def take(self, amount: int) -> bool:
        # One award above a whole week's budget would otherwise wait for ever, and all behind it.
        unspent = self.spent == 0 and self.total > 0
        self.closed = self.closed or not (amount <= self.total - self.spent or unspent)
        if not self.closed:
            self.spent += amount
        return not self.closed


def _somebody_waits(db: Session) -> bool:
    return db.scalar(select(PotAward.id).where(_PAYABLE).limit(1)) is not None


def _next_in_queue(db: Session, limit: int | None = None) -> Sequence[int]:
    in_line = select(PotAward.id).where(_PAYABLE)
    return db.scalars(in_line.order_by(PotAward.id).limit(limit)).all()


def _pay_some(db: Session, award_ids: Sequence[int]) -> int:
    """Pay those of these that still wait, in order, while the budget lasts; returns how many."""
    of_these = PotAward.id.in_(award_ids)
    lock_people(db, db.scalars(select(PotAward.user_id).where(of_these)))
    held = select(PotAward).where(of_these, _PAYABLE).order_by(PotAward.id).with_for_update()
    awards = db.scalars(held.execution_options(populate_existing=True)).all()
    purse = _Purse.of_week(db)
    payable = [award for award in awards if purse.take(award.amount)]
    _pay(db, payable)
    return len(payable)


def _pay(db: Session, queued_awards: Sequence[PotAward]) -> None:
    """Pay awards that waited, and let debts take their part."""
    movements = [
        _movement(
            award.rule,
            award.user_id,
            award.amount,
            award.key,
            (award.reference_type, award.reference_id),
        )
        for award in queued_awards
    ]
    for award, entry in zip(queued_awards, _post(db, movements), strict=True):
        award.status = AwardStatus.PAID
        award.paid_at = entry.created_at
        award.transaction_id = entry.id
    db.flush()
    owing = debtors(db, {award.user_id for award in queued_awards})
    for award in queued_awards:
        if award.user_id in owing:
            settle_debts(db, award.user_id, award.amount, f"award:{award.id}")


def _post(db: Session, movements: Sequence[Movement]) -> list[Entry]:
    """Post them all, or raise what refuses one."""
    entries = []
    for outcome in post_many(db, POT, movements):
        if isinstance(outcome, LedgerError):
            raise outcome
        entries.append(outcome)
    return entries


def _movement(
    rule_name: str, user_id: int, amount: int, key: str, reference: tuple[str | None, int | None]
) -> Movement:
    rule = EARNING_BY_NAME.get(rule_name)
    return Movement(
        key=key,
        user_id=user_id,
        amount=amount,
        counter_account=SystemAccount.TREASURY,
        transaction_type=TransactionType.EARN,
        category=rule_name,
        description=rule.title if rule else rule_name,
        reference_type=reference[0],
        reference_id=reference[1],
    )


def _look_at_streaks(db: Session, earned: Sequence[_Due]) -> None:
    """Every thirty days that earned something are a fact of their own."""
    today = Counter(one.user_id for one in earned if one.rule.fact is DayBegun)
    visitors = sorted(today)
    for start in range(0, len(visitors), _BATCH):
        batch = visitors[start : start + _BATCH]
        days = (
            select(PotAward.user_id, func.count())
            .where(
                PotAward.user_id.in_(batch),
                PotAward.rule.in_([rule.name for rule in _RULES[DayBegun]]),
                PotAward.status != AwardStatus.CLAWED_BACK,
            )
            .group_by(PotAward.user_id)
            .order_by(PotAward.user_id)
        )
        for user_id, visited in db.execute(days).all():
            streaks = visited // _STREAK_DAYS
            if streaks > (visited - today[user_id]) // _STREAK_DAYS:
                announce(db, ThirtyDaysVisited(user_id, streaks * _STREAK_DAYS))
