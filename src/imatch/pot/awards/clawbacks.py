"""Clawbacks: take awards back after a refund, a dispute or fraud.

A clawback takes the person's free POT at once and records the rest as a debt. Later awards pay
debts first, and so do POT returned by an order, a purchase or a redemption: spending early does
not avoid a clawback. Only awards can be taken back, within RETRIEVABLE_DAYS.
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

_MAX_REASON_CHARACTERS = 300
_KEY_PREFIX = "clawback:"
# True for a clawed back award whose debt is not paid yet.
IS_OWED = exists().where(
    PotDebt.key == literal(_KEY_PREFIX) + cast(PotAward.transaction_id, String), PotDebt.owed > 0
)


class NoSuchAward(NotFound, ValueError):
    code = "no_such_award"


class TooLateToReverse(Conflict, ValueError):
    code = "too_late_to_reverse"

    def __init__(self) -> None:
        super().__init__(f"An award can be taken back for {RETRIEVABLE_DAYS} days, not later.")


@dataclass(frozen=True, slots=True)
class Clawback:
    """POT taken at once, and POT that later awards still have to pay."""

    taken: int
    owed: int


def on_engagement_reversed(db: Session, fact: EngagementReversed) -> None:
    """Take back all awards for a reversed engagement."""
    reverse_awards(db, "engagement", fact.engagement_id, fact.reason)


def reverse_awards(
    db: Session, reference_type: str, reference_id: int, reason: str
) -> Sequence[PotAward]:
    """Take back all retrievable awards with this reference; cancel those still queued.

    Returns the awards taken back or cancelled. Idempotent.
    """
    with atomic(db):
        not_reversed = select(PotAward).where(
            PotAward.reference_type == reference_type,
            PotAward.reference_id == reference_id,
            PotAward.status != AwardStatus.CLAWED_BACK,
        )
        awards = [award for award in _locked_awards(db, not_reversed) if _is_retrievable(award)]
        for award in awards:
            _reverse(db, award, reason)
    return awards


def reverse_award(db: Session, award_id: int, reason: str) -> PotAward:
    """Take one award back. Idempotent. Raises NoSuchAward, TooLateToReverse."""
    with atomic(db):
        by_id = select(PotAward).where(PotAward.id == award_id)
        awards = _locked_awards(db, by_id) if is_id(award_id) else ()
        if not awards:
            raise NoSuchAward(f"There is no award {award_id}.")
        (award,) = awards
        if award.status != AwardStatus.CLAWED_BACK:
            if not _is_retrievable(award):
                raise TooLateToReverse
            _reverse(db, award, reason)
    return award


def reverse_transaction(db: Session, transaction_id: int, reason: str) -> Clawback:
    """Take back an award of a rule, grant or program. Raises NoSuchAward, TooLateToReverse."""
    with atomic(db):
        row = db.get(PotTransaction, transaction_id) if is_id(transaction_id) else None
        if row is None or row.user_id is None or row.transaction_type != TransactionType.EARN:
            raise NoSuchAward(f"Transaction {transaction_id} is no award.")
        if not _is_recent(row.created_at):
            raise TooLateToReverse
        rule_award_id = db.scalar(select(PotAward.id).where(PotAward.key == row.idempotency_key))
        if rule_award_id is not None:
            reverse_award(db, rule_award_id, reason)
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
    """Take up to `amount` free POT and record the rest as a debt. Idempotent by `key`."""
    with atomic(db):
        lock_people(db, {user_id})
        earlier = _earlier_clawback(db, key)
        if earlier is not None:
            return earlier
        taken = min(lock_free_pot(db, user_id), amount)
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
                    description=reason[:_MAX_REASON_CHARACTERS],
                    reference_type=reference_type,
                    reference_id=reference_id,
                ),
            )
        owed = amount - taken
        if owed:
            db.add(
                PotDebt(key=key, user_id=user_id, owed=owed, reason=reason[:_MAX_REASON_CHARACTERS])
            )
            db.flush()
        return Clawback(taken, owed)


def settle_debts(db: Session, user_id: int, received: int, source: str) -> int:
    """Pay a person's debts from `received` POT, the oldest first; returns the POT paid.

    `source` names where the POT came from ("award:7"). It makes each payment idempotent.
    """
    open_debts = select(PotDebt).where(PotDebt.user_id == user_id, PotDebt.owed > 0)
    locked = open_debts.order_by(PotDebt.id).with_for_update()
    remaining = received
    for debt in db.scalars(locked.execution_options(populate_existing=True)).all():
        paid = min(debt.owed, remaining)
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
        remaining -= paid
    db.flush()
    return received - remaining


def settle_from_award(db: Session, award: Entry) -> int:
    """Pay a person's debts from an award that no rule gave; returns the POT paid.

    A debtor has no free POT. So only a person whose balance was 0 before the award is looked
    up, which saves a query for most awards. A committed award stands even if this fails: an
    error would make the caller retry the award. `settle_open_debts` pays the debt later.
    """
    user_id = award.user_id
    if user_id is None or award.replayed or award.balance_before:
        return 0
    if is_atomic(db):
        return _settle_if_in_debt(db, user_id)
    try:
        return _settle_if_in_debt(db, user_id)
    except (OperationalError, TimeoutError) as error:
        log().warning("debt_settlement_postponed", user_id=user_id, error=type(error).__name__)
        return 0


def settle_open_debts(db: Session) -> int:
    """Pay the debts of people who have free POT; returns how many people paid.

    A debtor has free POT after a ledger hold expired, or after an award whose debt settlement
    was postponed.
    """
    user_ids = (
        select(PotDebt.user_id)
        .join(PotAccount, PotAccount.user_id == PotDebt.user_id)
        .where(PotDebt.owed > 0, PotAccount.balance > PotAccount.held)
        .distinct()
        .order_by(PotDebt.user_id)
    )
    return run_each(
        db, "debtor", db.scalars(user_ids).all(), lambda user_id: _settle_free(db, user_id)
    )


def _settle_if_in_debt(db: Session, user_id: int) -> int:
    with fresh_read(db):
        in_debt = debtors(db, {user_id})
    if not in_debt:
        return 0
    with atomic(db):
        return _settle_free(db, user_id)


def _settle_free(db: Session, user_id: int) -> int:
    free = lock_free_pot(db, user_id)
    version = db.scalar(select(PotAccount.version).where(PotAccount.user_id == user_id))
    return settle_debts(db, user_id, free, f"free:{version}")


def debtors(db: Session, user_ids: Iterable[int]) -> set[int]:
    """The ids of the people among these who have debts."""
    in_debt = select(PotDebt.user_id).where(PotDebt.user_id.in_(set(user_ids)), PotDebt.owed > 0)
    return set(db.scalars(in_debt))


def owed(db: Session, user_id: int) -> int:
    """The POT that a person owes: the sum of their open debts."""
    debts = select(PotDebt.owed).where(PotDebt.user_id == user_id, PotDebt.owed > 0)
    return sum(db.scalars(debts))


def _reverse(db: Session, award: PotAward, reason: str) -> None:
    if award.transaction_id is not None:
        _take_back(db, db.get_one(PotTransaction, award.transaction_id), reason)
    award.status = AwardStatus.CLAWED_BACK
    db.flush()


def _take_back(db: Session, row: PotTransaction, reason: str) -> Clawback:
    assert row.user_id is not None  # noqa: S101 -- every award has a user
    return claw_back(
        db,
        row.user_id,
        row.amount,
        key=f"{_KEY_PREFIX}{row.id}",
        reason=reason,
        category=row.category,
        reference_type=row.reference_type,
        reference_id=row.reference_id,
    )


def _locked_awards(db: Session, awards: Select[PotAward]) -> Sequence[PotAward]:
    """The awards, with their rows locked. Locks people first, to avoid deadlocks."""
    lock_people(db, db.scalars(awards.with_only_columns(PotAward.user_id)))
    locked = awards.order_by(PotAward.id).with_for_update()
    return db.scalars(locked.execution_options(populate_existing=True)).all()


def _is_retrievable(award: PotAward) -> bool:
    return award.status == AwardStatus.QUEUED or _is_recent(award.earned_at)


def _is_recent(earned_at: datetime) -> bool:
    return now() - earned_at <= timedelta(days=RETRIEVABLE_DAYS)


def lock_free_pot(db: Session, user_id: int) -> int:
    """A person's free POT. Locks the account: nothing is spent until the transaction ends."""
    account = select(PotAccount.balance - PotAccount.held).where(PotAccount.user_id == user_id)
    return db.scalar(account.with_for_update()) or 0


def _earlier_clawback(db: Session, key: str) -> Clawback | None:
    """The result of an earlier clawback with this key, if any."""
    movement = select(PotTransaction.amount).where(PotTransaction.idempotency_key == key)
    taken = -(db.scalar(movement) or 0)
    owed_now = db.scalar(select(PotDebt.owed).where(PotDebt.key == key))
    if not taken and owed_now is None:
        return None
    return Clawback(taken, owed_now or 0)
