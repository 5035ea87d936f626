"""Award POT for announced facts: apply rules and caps, then pay at once or queue.

Class A awards are paid at once. Class B awards are paid out of the weekly budget. While the
budget is spent or other awards wait, they join a first in, first out queue: late, never lost.
Queued awards of a person whose account is closed or under a fraud hold wait until that ends.
They do not delay the awards behind them.
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
_BATCH_SIZE = 200
_WEEK = timedelta(weeks=1)
# Queued awards of active people without a fraud hold: the next weekly budget pays them.
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
    """How often a person may still earn by a rule in its current window; None if no cap counts."""

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
    """Award what a fact earns. Idempotent, also for concurrent calls.

    A fact earns nothing above a cap, for an inactive person, or for a reversed engagement.
    """
    award_all(db, (fact,))


def award_all(db: Session, facts: Sequence[object]) -> None:
    """Award what each fact earns, in order: the same result as one by one, in fewer queries."""
    due = [award for fact in facts for award in _due(fact)]
    if not due:
        return
    with atomic(db):
        reversed_ids = reversals.among(db, [award.engagement_id for award in due])
        active = lock_people(db, {award.user_id for award in due})
        existing = _existing_keys(db, [award.key for award in due])
        wanted = [(award.rule, award.user_id, award.scope) for award in due]
        tally = caps.Tally(db, wanted, now())
        earned = []
        for award in due:
            is_new = award.user_id in active and award.key not in existing
            is_valid = award.engagement_id not in reversed_ids
            if is_new and is_valid and tally.take(award.rule, award.user_id, award.scope):
                existing.add(award.key)
                earned.append(award)
        _award(db, earned)
        _announce_streaks(db, earned)


def pay_queue(db: Session) -> int:
    """Pay queued awards, the oldest first, while the weekly budget lasts; returns how many.

    If a batch fails, awards are paid one by one: a failing award does not stop the others.
    Raises SomeFailed at the end.
    """
    paid, batch_paid = 0, _BATCH_SIZE
    try:
        while batch_paid == _BATCH_SIZE:
            with atomic(db), db.begin_nested():
                batch_paid = _pay_batch(db, _next_in_queue(db, _BATCH_SIZE))
            paid += batch_paid
    except Exception:  # noqa: BLE001 -- the failing award raises again when paid alone
        award_ids = _next_in_queue(db)
        return paid + run_each(
            db, "award", award_ids, lambda award_id: _pay_batch(db, [award_id]) == 1
        )
    return paid


def standings(db: Session, user_id: int) -> list[EarningStanding]:
    """What a person may still earn by each rule, in the order of EARNINGS."""
    left = caps.times_left(db, user_id, now())
    return [
        EarningStanding(rule, left[rule.name], rule.cap.window if rule.cap else None)
        for rule in EARNINGS
    ]


def queued(db: Session, user_id: int) -> Sequence[PotAward]:
    """A person's queued awards, the oldest first."""
    awards = select(PotAward).where(
        PotAward.status == AwardStatus.QUEUED, PotAward.user_id == user_id
    )
    return db.scalars(awards.order_by(PotAward.id)).all()


def oldest_queued(db: Session) -> datetime | None:
    """When the first payable award of the queue was earned; None if the queue is empty."""
    return db.scalar(select(PotAward.earned_at).where(_PAYABLE).order_by(PotAward.id).limit(1))


def expected_payment(db: Session, award: PotAward) -> date | None:
    """The day by which a queued award is paid if weekly budgets stay equal; None if unknown."""
    if award.status != AwardStatus.QUEUED:
        return award.paid_at.date() if award.paid_at else None
    payable = select(func.sum(PotAward.amount), func.max(PotAward.id)).where(_PAYABLE)
    ahead, last = db.execute(payable.where(PotAward.id <= award.id)).one()
    if last != award.id:
        return None  # its account is closed or under a fraud hold
    budget = policy.budget(db)
    missing = int(ahead or 0) - budget.left
    if missing <= 0:
        return now().date()
    if budget.total <= 0:
        return None
    weeks = -(-missing // budget.total)
    return policy.monday_of(now()) + weeks * _WEEK


def _due(fact: object) -> list[_Due]:
    """The awards that the rules give for a fact, before caps."""
    switched_off = getattr(fact, "rewards_off", ())
    due = []
    for rule in _RULES[type(fact)]:
        user_id = rule.earner(fact)
        if user_id is None or rule.name in switched_off or not rule.when(fact):
            continue
        amount = rule.amount(fact)
        if amount > 0:
            scope = caps.scope_of(rule, fact)
            due.append(_Due(rule, user_id, amount, rule.key(fact), scope, rule.reference(fact)))
    return due


def _existing_keys(db: Session, keys: Sequence[str]) -> set[str]:
    """The keys among these that have an award."""
    existing: set[str] = set()
    for start in range(0, len(keys), _BATCH_SIZE):
        batch = keys[start : start + _BATCH_SIZE]
        existing.update(db.scalars(select(PotAward.key).where(PotAward.key.in_(batch))))
    return existing


def _award(db: Session, earned: Sequence[_Due]) -> None:
    """Pay or queue each award, in order of earning."""
    if not earned:
        return
    moment = now()
    budget = None
    payable = []
    people = {award.user_id for award in earned}
    on_fraud_hold = set(db.scalars(HELD_PEOPLE.where(PotFraudHold.user_id.in_(people))))
    for award in earned:
        if award.rule.award_class is AwardClass.ALWAYS:
            payable.append(award)
            continue
        if award.user_id in on_fraud_hold:
            continue
        budget = budget or _WeekBudget.of_week(db, behind_queue=True)
        if budget.take(award.amount):
            payable.append(award)
    movements = [
        _movement(award.rule.name, award.user_id, award.amount, award.key, award.reference)
        for award in payable
    ]
    entries = _post(db, movements)
    paid = dict(zip((award.key for award in payable), entries, strict=True))
    # A bulk insert without ORM objects: there can be thousands, and nothing reads them again.
    db.execute(insert(PotAward), [_row(award, moment, paid.get(award.key)) for award in earned])
    in_debt = debtors(db, {award.user_id for award in payable})
    debtor_keys = [award.key for award in payable if award.user_id in in_debt]
    for row in _awards_by_key(db, debtor_keys):
        settle_debts(db, row.user_id, row.amount, f"award:{row.id}")


def _row(award: _Due, earned_at: datetime, entry: Entry | None) -> dict[str, object]:
    """The award as a PotAward row: paid if it has a ledger entry, otherwise queued."""
    return {
        "key": award.key,
        "user_id": award.user_id,
        "rule": award.rule.name,
        "cap_scope": award.scope,
        "amount": award.amount,
        "award_class": award.rule.award_class,
        "status": AwardStatus.PAID if entry else AwardStatus.QUEUED,
        "reference_type": award.reference[0],
        "reference_id": award.reference[1],
        "earned_at": earned_at,
        "paid_at": entry.created_at if entry else None,
        "transaction_id": entry.id if entry else None,
    }


def _awards_by_key(db: Session, keys: Sequence[str]) -> Sequence[PotAward]:
    if not keys:
        return ()
    return db.scalars(select(PotAward).where(PotAward.key.in_(keys)).order_by(PotAward.id)).all()


@dataclass(slots=True)
class _WeekBudget:
    """The rest of the weekly budget; closed as soon as an award has to wait."""

    total: int
    spent: int
    closed: bool

    @classmethod
    def of_week(cls, db: Session, *, behind_queue: bool = False) -> "_WeekBudget":
        """Lock the budget until the transaction ends. Lock people first, to avoid deadlocks."""
        policy.lock_budget(db)
        week = policy.budget(db)
        return cls(week.total, week.spent, behind_queue and _is_queue_waiting(db))

    def take(self, amount: int) -> bool:
        """Spend `amount`, unless an award has to wait; returns whether it was spent."""
        # An award above a whole weekly budget would otherwise block the queue for ever.
        unspent = self.spent == 0 and self.total > 0
        self.closed = self.closed or not (amount <= self.total - self.spent or unspent)
        if not self.closed:
            self.spent += amount
        return not self.closed


def _is_queue_waiting(db: Session) -> bool:
    return db.scalar(select(PotAward.id).where(_PAYABLE).limit(1)) is not None


def _next_in_queue(db: Session, limit: int | None = None) -> Sequence[int]:
    payable = select(PotAward.id).where(_PAYABLE)
    return db.scalars(payable.order_by(PotAward.id).limit(limit)).all()


def _pay_batch(db: Session, award_ids: Sequence[int]) -> int:
    """Pay the awards among these that are still payable, in order, while the budget lasts.

    Returns how many were paid.
    """
    in_batch = PotAward.id.in_(award_ids)
    lock_people(db, db.scalars(select(PotAward.user_id).where(in_batch)))
    locked = select(PotAward).where(in_batch, _PAYABLE).order_by(PotAward.id).with_for_update()
    awards = db.scalars(locked.execution_options(populate_existing=True)).all()
    budget = _WeekBudget.of_week(db)
    payable = [award for award in awards if budget.take(award.amount)]
    _pay(db, payable)
    return len(payable)


def _pay(db: Session, queued_awards: Sequence[PotAward]) -> None:
    """Pay queued awards, then pay debts out of them."""
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
    in_debt = debtors(db, {award.user_id for award in queued_awards})
    for award in queued_awards:
        if award.user_id in in_debt:
            settle_debts(db, award.user_id, award.amount, f"award:{award.id}")


def _post(db: Session, movements: Sequence[Movement]) -> list[Entry]:
    """Post all movements; raises the LedgerError of the first that is refused."""
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


def _announce_streaks(db: Session, earned: Sequence[_Due]) -> None:
    """Announce ThirtyDaysVisited for each 30 rewarded days of a person."""
    today = Counter(award.user_id for award in earned if award.rule.fact is DayBegun)
    visitors = sorted(today)
    for start in range(0, len(visitors), _BATCH_SIZE):
        batch = visitors[start : start + _BATCH_SIZE]
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
