"""Take awards back after a refund, a dispute or fraud: what is there at once, the rest as a debt.

Later awards pay a debt first, and so does what comes back of an order, a purchase or a request
for cash: nobody is out of reach by ordering in time. Only awards can be taken back, and for
RETRIEVABLE_DAYS.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, String, cast, exists, literal, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic, fresh_read, is_atomic
from imatch.core.errors import Conflict, NotFound
from imatch.core.ids import is_id
from imatch.core.logs import log
from imatch.facts.marketplace import EngagementReversed
from imatch.jobs.run_each import run_each
from imatch.ledger import POT, Entry, Movement, SystemAccount, TransactionType, post
from imatch.ledger.models import PotAccount, PotTransaction
from imatch.pot.awards.models import AwardStatus, PotAward, PotDebt
from imatch.pot.locks import lock_people
from imatch.pot.rules import RETRIEVABLE_DAYS

_MAX_REASON = 300
_KEY = "clawback:"
# Of awards that were taken back: something of it is still owed.
IS_OWED = exists().where(
    PotDebt.key == literal(_KEY) + cast(PotAward.transaction_id, String), PotDebt.owed > 0
)


class NoSuchAward(NotFound, ValueError):
    code = "no_such_award"


class TooLateToReverse(Conflict, ValueError):
    code = "too_late_to_reverse"

    def __init__(self) -> None:
        super().__init__(f"An award can be taken back for {RETRIEVABLE_DAYS} days, not later.")


@dataclass(frozen=True, slots=True)
class Clawback:
    """What was taken at once, and what later awards still have to pay."""

    taken: int
    owed: int


def on_engagement_reversed(db: Session, fact: EngagementReversed) -> None:
    """Take back what a paid engagement earned anybody."""
    reverse_awards(db, "engagement", fact.engagement_id, fact.reason)


def reverse_awards(
    db: Session, reference_type: str, reference_id: int, reason: str
) -> Sequence[PotAward]:
    """Take back all awards for one thing that still can be; queued ones are cancelled.

    Returns those that were. A second call finds nothing more to do.
    """
    with atomic(db):
        concerned = select(PotAward).where(
            PotAward.reference_type == reference_type,
            PotAward.reference_id == reference_id,
            PotAward.status != AwardStatus.CLAWED_BACK,
        )
        awards = [award for award in _held(db, concerned) if _is_retrievable(award)]
        for award in awards:
            _reverse(db, award, reason)
    return awards


def reverse_award(db: Session, award_id: int, reason: str) -> PotAward:
    """Take one award back. Raises NoSuchAward, TooLateToReverse."""
    with atomic(db):
        named = select(PotAward).where(PotAward.id == award_id)
        found = _held(db, named) if is_id(award_id) else ()
        if not found:
            raise NoSuchAward(f"There is no award {award_id}.")
        (award,) = found
        if award.status != AwardStatus.CLAWED_BACK:
            if not _is_retrievable(award):
                raise TooLateToReverse
            _reverse(db, award, reason)
    return award


def reverse_transaction(db: Session, transaction_id: int, reason: str) -> Clawback:
    """Take back what a rule, a grant or a program gave. Raises NoSuchAward, TooLateToReverse."""
    with atomic(db):
        row = db.get(PotTransaction, transaction_id) if is_id(transaction_id) else None
        if row is None or row.user_id is None or row.transaction_type != TransactionType.EARN:
            raise NoSuchAward(f"Transaction {transaction_id} is no award.")
        if not _is_recent(row.created_at):
            raise TooLateToReverse
        by_rule = db.scalar(select(PotAward.id).where(PotAward.key == row.idempotency_key))
        if by_rule is not None:
            reverse_award(db, by_rule, reason)
        return _take_back(db, row, reason)


def claw_back(
    db: Session,
    user_id: int,
    amount: int,
    *,
    key: str,
    reason: str,
    category: str = "clawback",
    reference_type: str | None = None,
    reference_id: int | None = None,
) -> Clawback:
    """Take what is there of `amount`, and book the rest against later awards; once per key."""
    with atomic(db):
        lock_people(db, {user_id})
        known = _known(db, key)
        if known is not None:
            return known
        taken = min(locked_free(db, user_id), amount)
        if taken:
            post(
                db,
                POT,
                Movement(
                    key=key,
                    user_id=user_id,
                    amount=-taken,
                    counter_account=SystemAccount.CLAWED_BACK,
                    transaction_type=TransactionType.CLAWBACK,
                    category=category,
                    description=reason[:_MAX_REASON],
                    reference_type=reference_type,
                    reference_id=reference_id,
                ),
            )
        owed = amount - taken
        if owed:
            db.add(PotDebt(key=key, user_id=user_id, owed=owed, reason=reason[:_MAX_REASON]))
            db.flush()
        return Clawback(taken, owed)


def settle_debts(db: Session, user_id: int, received: int, source: str) -> int:
    """Pay a person's debts, the oldest first, from what just became theirs; returns how much.

    `source` names what it is, an award for instance, so that each debt is paid from it once.
    """
    open_debts = select(PotDebt).where(PotDebt.user_id == user_id, PotDebt.owed > 0)
    held = open_debts.order_by(PotDebt.id).with_for_update()
    left = received
    for debt in db.scalars(held.execution_options(populate_existing=True)).all():
        paid = min(debt.owed, left)
        if not paid:
            break
        post(
            db,
            POT,
            Movement(
                key=f"debt:{debt.id}:{source}",
                user_id=user_id,
                amount=-paid,
                counter_account=SystemAccount.CLAWED_BACK,
                transaction_type=TransactionType.CLAWBACK,
                category="debt",
                description=debt.reason,
            ),
        )
        debt.owed -= paid
        left -= paid
    db.flush()
    return received - left


def settle_from_award(db: Session, award: Entry) -> int:
    """Pay a person's debts from an award by hand; returns how much.

    Who owes something has nothing free, and so had nothing before the award: nobody else is
    looked up, which would cost every award a query. An award that is committed stands, whatever
    happens here: an error would have it asked for again. `settle_left` then pays.
    """
    user_id = award.user_id
    if user_id is None or award.replayed or award.balance_before:
        return 0
    if is_atomic(db):
        return _settle_owing(db, user_id)
    try:
        return _settle_owing(db, user_id)
    except (OperationalError, TimeoutError) as error:
        log().warning("debt_left_for_later", user_id=user_id, error=type(error).__name__)
        return 0


def settle_left(db: Session) -> int:
    """Pay debts out of what is free although something is owed; returns how many people paid.

    That is so after a hold that expired, or when an award by hand came through and its debt did
    not.
    """
    account = PotAccount
    able = (
        select(PotDebt.user_id)
        .join(account, account.user_id == PotDebt.user_id)
        .where(PotDebt.owed > 0, account.balance > account.held)
        .distinct()
        .order_by(PotDebt.user_id)
    )
    return run_each(db, "debtor", db.scalars(able).all(), lambda one: _settle_free(db, one))


def _settle_owing(db: Session, user_id: int) -> int:
    with fresh_read(db):
        owing = debtors(db, {user_id})
    if not owing:
        return 0
    with atomic(db):
        return _settle_free(db, user_id)


def _settle_free(db: Session, user_id: int) -> int:
    free = locked_free(db, user_id)
    version = db.scalar(select(PotAccount.version).where(PotAccount.user_id == user_id))
    return settle_debts(db, user_id, free, f"free:{version}")


def debtors(db: Session, user_ids: Iterable[int]) -> set[int]:
    """Who of these owes something."""
    owing = select(PotDebt.user_id).where(PotDebt.user_id.in_(set(user_ids)), PotDebt.owed > 0)
    return set(db.scalars(owing))


def owed(db: Session, user_id: int) -> int:
    """What a person's later awards have to pay first."""
    debts = select(PotDebt.owed).where(PotDebt.user_id == user_id, PotDebt.owed > 0)
    return sum(db.scalars(debts))


def _reverse(db: Session, award: PotAward, reason: str) -> None:
    if award.transaction_id is not None:
        _take_back(db, db.get_one(PotTransaction, award.transaction_id), reason)
    award.status = AwardStatus.CLAWED_BACK
    db.flush()


def _take_back(db: Session, row: PotTransaction, reason: str) -> Clawback:
    assert row.user_id is not None  # noqa: S101 -- awards are people's
    return claw_back(
        db,
        row.user_id,
        row.amount,
        key=f"{_KEY}{row.id}",
        reason=reason,
        category=row.category,
        reference_type=row.reference_type,
        reference_id=row.reference_id,
    )


def _held(db: Session, awards: Select[PotAward]) -> Sequence[PotAward]:
    """People before their awards, as everybody else does."""
    lock_people(db, db.scalars(awards.with_only_columns(PotAward.user_id)))
    held = awards.order_by(PotAward.id).with_for_update()
    return db.scalars(held.execution_options(populate_existing=True)).all()


def _is_retrievable(award: PotAward) -> bool:
    return award.status == AwardStatus.QUEUED or _is_recent(award.earned_at)


def _is_recent(earned_at: datetime) -> bool:
    return now() - earned_at <= timedelta(days=RETRIEVABLE_DAYS)


def locked_free(db: Session, user_id: int) -> int:
    """What a person can spend; they can spend nothing of it until the transaction ends."""
    account = select(PotAccount.balance - PotAccount.held).where(PotAccount.user_id == user_id)
    return db.scalar(account.with_for_update()) or 0


def _known(db: Session, key: str) -> Clawback | None:
    """What this key took before."""
    moved = select(PotTransaction.amount).where(PotTransaction.idempotency_key == key)
    taken = -(db.scalar(moved) or 0)
    owed_now = db.scalar(select(PotDebt.owed).where(PotDebt.key == key))
    if not taken and owed_now is None:
        return None
    return Clawback(taken, owed_now or 0)
