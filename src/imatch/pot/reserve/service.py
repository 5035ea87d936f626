"""Clear paid commission: it funds the reserve and grants allowances once it is safe.

Clearing moves part of a commission into the reserve and grants at most the same cents as
allowances to the people who brought it in. A reversal takes out what clearing put in.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from imatch.accounts.models import User
from imatch.accounts.rules import ERASED_DOMAIN
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.core.logs import log
from imatch.core.money import BASIS_POINTS_PER_PERCENT, Money, usd
from imatch.facts.economy import AllowanceWithdrawn
from imatch.facts.marketplace import EngagementPaid, EngagementReversed
from imatch.facts.people import Side
from imatch.jobs.run_each import run_each
from imatch.ledger import (
    CASH,
    LedgerError,
    Movement,
    SystemAccount,
    TransactionType,
    post,
    post_many,
)
from imatch.ledger.models import CashTransaction
from imatch.ledger.queries import free, system_balances
from imatch.pot import reversals
from imatch.pot.awards.models import AwardStatus, PotAward
from imatch.pot.locks import lock_people
from imatch.pot.models import PotRedemption, RedemptionStatus
from imatch.pot.policy import service as policy
from imatch.pot.policy.service import Numbers
from imatch.pot.reserve.coverage import coverage, lacks_buffer
from imatch.pot.reserve.models import CommissionStatus, PotCommission
from imatch.pot.rules import PAYOUT_PER_POT

_BATCH_SIZE = 500
# Flows in the cash book: to the first account, from the second, in cents.
_Flow = tuple[SystemAccount, SystemAccount, int]
_RECEIPT = (SystemAccount.COMMISSION_RECEIVED, SystemAccount.PAYERS)
_RESERVING = (SystemAccount.RESERVE, SystemAccount.COMMISSION_RECEIVED)
_LOSS = (SystemAccount.RESERVE, SystemAccount.LOST)
_PARTS = ("reserve", "provider", "seeker", "provider_referrer", "seeker_referrer")


@dataclass(frozen=True, slots=True)
class _Grant:
    """An allowance from one commission; `role` is its category in the cash book."""

    role: str
    user_id: int
    amount: Money


def on_engagement_paid(db: Session, fact: EngagementPaid) -> None:
    """Book a commission and set its clearing date. Idempotent.

    Ignores engagements without commission, and reversed ones: their payment went back.
    """
    if fact.commission_cents <= 0:
        return
    with atomic(db):
        if reversals.among(db, [fact.engagement_id]):
            return
        sides = (fact.provider_user_id, fact.seeker_user_id)
        if not all(_existing_user_id(db, user_id) for user_id in sides):
            log().warning(
                "commission_skipped", engagement_id=fact.engagement_id, reason="person_deleted"
            )
            return  # no user id is left to book it under
        received = post(
            db,
            CASH,
            _between_systems(
                f"commission:{fact.engagement_id}",
                TransactionType.COMMISSION,
                (*_RECEIPT, fact.commission_cents),
                ("engagement", fact.engagement_id),
            ),
        )
        if received.replayed:
            return
        db.add(_commission(db, fact))
        db.flush()


def clear_due(db: Session) -> int:
    """Clear every due commission; returns how many.

    A commission that fails does not stop the others. Raises SomeFailed at the end.
    """
    cleared = 0
    try:
        while count := _clear(db, _due().limit(_BATCH_SIZE)):
            cleared += count
    except Exception:  # noqa: BLE001 -- the failing one raises again below, on its own
        ids = [commission.id for commission in db.scalars(_due())]
        return cleared + run_each(
            db, "commission", ids, lambda id_: _clear(db, _due().where(PotCommission.id == id_))
        )
    return cleared


def on_engagement_reversed(db: Session, fact: EngagementReversed) -> None:
    """Refund a commission and withdraw the allowances that it granted. Idempotent.

    The reserve bears what cannot be withdrawn because people have redeemed it. Announces
    AllowanceWithdrawn for each allowance.
    """
    with atomic(db):
        reversals.record(db, fact.engagement_id)
        commission = db.scalar(
            select(PotCommission)
            .where(PotCommission.engagement_id == fact.engagement_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if commission is None or commission.status == CommissionStatus.REVERSED:
            return
        is_cleared = commission.status == CommissionStatus.CLEARED
        lost = _undo_clearing(db, commission) if is_cleared else 0
        commission.status = CommissionStatus.REVERSED
        if commission.commission_cents > lost:
            refund = (*_RECEIPT, lost - commission.commission_cents)
            key = f"unclear:{commission.id}:refund"
            _move(db, commission, key, TransactionType.REFUND, refund)


def _due() -> Select[PotCommission]:
    """Commissions that are due to clear, the oldest first."""
    due = select(PotCommission).where(
        PotCommission.status == CommissionStatus.PAID, PotCommission.clears_at <= now()
    )
    return due.order_by(PotCommission.clears_at, PotCommission.id)


def _clear(db: Session, commissions: Select[PotCommission]) -> int:
    with atomic(db), db.begin_nested():
        unlocked = commissions.with_for_update(skip_locked=True)
        due = db.scalars(unlocked.execution_options(populate_existing=True)).all()
        if not due:
            return 0
        parties = {user_id for commission in due for user_id in _parties(commission)}
        lock_people(db, parties)
        erased = _erased(db, parties)
        numbers = policy.current(db)
        before = coverage(db)
        reserve, allowances = before.reserve, before.allowances
        for commission in due:
            all_grants = _grants(db, commission, numbers)
            grants = [grant for grant in all_grants if grant.user_id not in erased]
            granted = sum((grant.amount for grant in grants), usd(0))
            buffer = usd(0)
            if lacks_buffer(reserve + granted, allowances + granted, numbers):
                maximum = _percent_of(commission, numbers.most_percent)
                buffer = min(_percent_of(commission, numbers.buffer_percent), maximum - granted)
            _book_clearing(db, commission, grants, granted + buffer)
            reserve, allowances = reserve + granted + buffer, allowances + granted
        return len(due)


def _erased(db: Session, user_ids: set[int]) -> set[int]:
    """The erased people among these. They get no allowance: their share stays commission."""
    query = select(User.id).where(User.id.in_(user_ids), User.email.endswith(ERASED_DOMAIN))
    return set(db.scalars(query))


def _parties(commission: PotCommission) -> set[int]:
    """The ids of everybody whose allowance the commission can change."""
    sides = {commission.provider_user_id, commission.seeker_user_id}
    referrers = {commission.provider_referrer_user_id, commission.seeker_referrer_user_id}
    return sides | {user_id for user_id in referrers if user_id is not None}


def _book_clearing(
    db: Session, commission: PotCommission, grants: list[_Grant], reserved: Money
) -> None:
    commission.status, commission.cleared_at = CommissionStatus.CLEARED, now()
    if reserved.cents:
        key = f"clear:{commission.id}:reserve"
        _move(db, commission, key, TransactionType.RESERVE, (*_RESERVING, reserved.cents))
    for outcome in post_many(
        db,
        CASH,
        [_allowance(commission, grant, f"clear:{commission.id}:{grant.role}") for grant in grants],
    ):
        if isinstance(outcome, LedgerError):
            raise outcome


def _grants(db: Session, commission: PotCommission, numbers: Numbers) -> list[_Grant]:
    """The allowances from this commission; together at most `most_percent` of it."""
    provider = _percent_of(commission, numbers.provider_percent)
    seeker = _percent_of(commission, numbers.seeker_percent)
    shares = [
        _Grant(Side.PROVIDER, commission.provider_user_id, provider),
        _Grant(Side.SEEKER, commission.seeker_user_id, seeker),
    ]
    for side in (Side.PROVIDER, Side.SEEKER):
        referrer = getattr(commission, f"{side}_referrer_user_id")
        if referrer is not None:
            share = _percent_of(commission, numbers.referrer_percent)
            uncovered = _uncovered(db, commission, side, referrer)
            shares.append(_Grant(f"{side}_referrer", referrer, min(share, uncovered)))
    left = _percent_of(commission, numbers.most_percent)
    grants = []
    for grant in shares:
        granted = min(grant.amount, left)
        left -= granted
        if granted.cents > 0:
            grants.append(_Grant(grant.role, grant.user_id, granted))
    return grants


def _percent_of(commission: PotCommission, percent: int) -> Money:
    return commission.amount.share_rounded_down(percent * BASIS_POINTS_PER_PERCENT)


def _uncovered(db: Session, commission: PotCommission, side: Side, referrer: int) -> Money:
    """The part of the referrer's award for this person that no commission has covered yet."""
    person = getattr(PotCommission, f"{side}_user_id")
    invited = person == getattr(commission, f"{side}_user_id")
    awarded = select(func.coalesce(func.sum(PotAward.amount), 0)).where(
        PotAward.rule == f"{side}_referral",
        PotAward.user_id == referrer,
        PotAward.reference_type == "engagement",
        PotAward.reference_id.in_(select(PotCommission.engagement_id).where(invited)),
        PotAward.status != AwardStatus.CLAWED_BACK,
    )
    row = CashTransaction
    granted = select(func.coalesce(func.sum(row.amount), 0)).where(
        row.user_id == referrer,
        row.category == f"{side}_referrer",
        row.reference_type == "commission",
        row.reference_id.in_(select(PotCommission.id).where(invited)),
    )
    covered = usd(int(db.scalar(granted) or 0))
    return max(PAYOUT_PER_POT * int(db.scalar(awarded) or 0) - covered, usd(0))


def _undo_clearing(db: Session, commission: PotCommission) -> int:
    """Undo a clearing; returns the cents that the reserve loses."""
    row = CashTransaction
    entries = db.scalars(
        select(row)
        .where(row.idempotency_key.in_([f"clear:{commission.id}:{part}" for part in _PARTS]))
        .order_by(row.user_id, row.id)
    ).all()
    grants = [
        _Grant(entry.category, entry.user_id, usd(entry.amount))
        for entry in entries
        if entry.user_id is not None
    ]
    reserved = sum(
        entry.amount for entry in entries if entry.system_account == SystemAccount.RESERVE
    )
    # Lock also the people whose awards are clawed back next: one call locks in ascending id order,
    # to avoid deadlocks.
    earners = select(PotAward.user_id).where(
        PotAward.reference_type == "engagement",
        PotAward.reference_id == commission.engagement_id,
    )
    lock_people(db, _parties(commission) | set(db.scalars(earners)))
    missing = 0
    for grant in grants:
        announce(db, AllowanceWithdrawn(grant.user_id, grant.amount.cents))
        taken = min(grant.amount.cents, free(db, CASH, grant.user_id))
        missing += grant.amount.cents - taken
        if taken:
            withdrawal = _Grant(grant.role, grant.user_id, usd(-taken))
            post(
                db,
                CASH,
                _allowance(commission, withdrawal, f"unclear:{commission.id}:{grant.role}"),
            )
    # Exported payouts will still be paid from the reserve.
    reserve = max(system_balances(db, CASH)[SystemAccount.RESERVE] - _exported_cents(db), 0)
    returned = min(reserved - missing, reserve)
    lost = min(missing, reserve - returned)
    if returned > 0:
        key = f"unclear:{commission.id}:unreserve"
        _move(db, commission, key, TransactionType.RESERVE, (*_RESERVING, -returned))
    if lost:
        key = f"unclear:{commission.id}:loss"
        _move(db, commission, key, TransactionType.LOSS, (*_LOSS, -lost))
    return lost


def _exported_cents(db: Session) -> int:
    """The sum of payouts that are exported to the bank and not yet paid."""
    exported = select(func.coalesce(func.sum(PotRedemption.payout_cents), 0)).where(
        PotRedemption.status == RedemptionStatus.APPROVED, PotRedemption.exported_at.is_not(None)
    )
    return int(db.scalar(exported) or 0)


def _commission(db: Session, fact: EngagementPaid) -> PotCommission:
    provider, seeker = PotCommission.provider_user_id, PotCommission.seeker_user_id
    provider_referrer = PotCommission.provider_referrer_user_id
    seeker_referrer = PotCommission.seeker_referrer_user_id
    return PotCommission(
        engagement_id=fact.engagement_id,
        provider_user_id=fact.provider_user_id,
        seeker_user_id=fact.seeker_user_id,
        provider_referrer_user_id=_existing_user_id(db, fact.provider_referrer_user_id)
        or _referrer(db, provider_referrer, provider, fact.provider_user_id),
        seeker_referrer_user_id=_existing_user_id(db, fact.seeker_referrer_user_id)
        or _referrer(db, seeker_referrer, seeker, fact.seeker_user_id),
        deal_cents=fact.deal_cents,
        commission_cents=fact.commission_cents,
        paid_at=fact.paid_at,
        clears_at=fact.paid_at + timedelta(days=_clearing_days(db, fact)),
    )


def _existing_user_id(db: Session, user_id: int | None) -> int | None:
    """The id, or None if there is no such person."""
    return db.scalar(select(User.id).where(User.id == user_id))


def _referrer(
    db: Session,
    referrer: InstrumentedAttribute[int | None],
    person: InstrumentedAttribute[int],
    person_id: int,
) -> int | None:
    """Who invited this person, according to their first engagement with a referrer."""
    query = select(referrer).where(person == person_id, referrer.is_not(None))
    return db.scalar(query.order_by(PotCommission.id).limit(1))


def _clearing_days(db: Session, fact: EngagementPaid) -> int:
    """Days until a commission clears: more for large deals and first payments, the riskiest."""
    numbers = policy.current(db)
    paid_before = exists().where(
        PotCommission.provider_user_id == fact.provider_user_id,
        PotCommission.status != CommissionStatus.REVERSED,
    )
    risky = fact.deal_cents >= numbers.large_deal_cents or not db.scalar(select(paid_before))
    return numbers.clearing_days_if_risky if risky else numbers.clearing_days


def _allowance(commission: PotCommission, grant: _Grant, key: str) -> Movement:
    return Movement(
        key=key,
        user_id=grant.user_id,
        amount=grant.amount.cents,
        counter_account=SystemAccount.ALLOWANCES,
        transaction_type=TransactionType.ALLOWANCE,
        category=grant.role,
        reference_type="commission",
        reference_id=commission.id,
    )


def _move(
    db: Session, commission: PotCommission, key: str, transaction_type: TransactionType, flow: _Flow
) -> None:
    """Post a part of a commission between system accounts."""
    post(db, CASH, _between_systems(key, transaction_type, flow, ("commission", commission.id)))


def _between_systems(
    key: str, transaction_type: TransactionType, flow: _Flow, reference: tuple[str, int]
) -> Movement:
    return Movement(
        key=key,
        system_account=flow[0],
        counter_account=flow[1],
        amount=flow[2],
        transaction_type=transaction_type,
        category=transaction_type,
        reference_type=reference[0],
        reference_id=reference[1],
    )
