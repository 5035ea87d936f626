"""Commission that was paid becomes cash allowances, once it is old enough to be safe.

Clearing moves part of a commission into the reserve and promises the same cents, or fewer, to the
people who brought it in. A reversal takes out of the reserve what clearing put in.
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

_AT_ONCE = 500
# Flows in the CASH book: into the first account, out of the second, and how many cents.
_Flow = tuple[SystemAccount, SystemAccount, int]
_RECEIPT = (SystemAccount.COMMISSION_RECEIVED, SystemAccount.PAYERS)
_RESERVING = (SystemAccount.RESERVE, SystemAccount.COMMISSION_RECEIVED)
_LOSS = (SystemAccount.RESERVE, SystemAccount.LOST)
_PARTS = ("reserve", "provider", "seeker", "provider_referrer", "seeker_referrer")


@dataclass(frozen=True, slots=True)
class _Grant:
    """An allowance out of one commission; `role` is its category in the book."""

    role: str
    user_id: int
    amount: Money


def on_engagement_paid(db: Session, fact: EngagementPaid) -> None:
    """Book a commission and say when it will be safe. Heard twice, it is booked once.

    Of an engagement that was reversed nothing is booked: what came went back.
    """
    if fact.commission_cents <= 0:
        return
    with atomic(db):
        if reversals.among(db, [fact.engagement_id]):
            return
        sides = (fact.provider_user_id, fact.seeker_user_id)
        if not all(_existing(db, person) for person in sides):
            log().warning("commission_of_erased_person", engagement_id=fact.engagement_id)
            return  # deleted whole: there is no number to book it under
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
    """Clear every commission whose time has come; returns how many.

    One that cannot be cleared stops no other; raises SomeFailed at the end.
    """
    cleared = 0
    try:
        while count := _clear(db, _due().limit(_AT_ONCE)):
            cleared += count
    except Exception:  # noqa: BLE001 -- whichever it is will raise again when its own turn comes
        left = [commission.id for commission in db.scalars(_due())]
        return cleared + run_each(
            db, "commission", left, lambda one: _clear(db, _due().where(PotCommission.id == one))
        )
    return cleared


def on_engagement_reversed(db: Session, fact: EngagementReversed) -> None:
    """Give a commission back. Allowances it granted are taken as far as they are there.

    What people redeemed meanwhile is the reserve's loss.
    """
    with atomic(db):
        reversals.note(db, fact.engagement_id)
        commission = db.scalar(
            select(PotCommission)
            .where(PotCommission.engagement_id == fact.engagement_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if commission is None or commission.status == CommissionStatus.REVERSED:
            return
        lost = _take_back(db, commission) if commission.status == CommissionStatus.CLEARED else 0
        commission.status = CommissionStatus.REVERSED
        if commission.commission_cents > lost:
            refund = (*_RECEIPT, lost - commission.commission_cents)
            key = f"unclear:{commission.id}:refund"
            _move(db, commission, key, TransactionType.REFUND, refund)


def _due() -> Select[PotCommission]:
    """Commissions whose time has come, the oldest first."""
    due = select(PotCommission).where(
        PotCommission.status == CommissionStatus.PAID, PotCommission.clears_at <= now()
    )
    return due.order_by(PotCommission.clears_at, PotCommission.id)


def _clear(db: Session, commissions: Select[PotCommission]) -> int:
    with atomic(db), db.begin_nested():
        free_ones = commissions.with_for_update(skip_locked=True)
        due = db.scalars(free_ones.execution_options(populate_existing=True)).all()
        if not due:
            return 0
        concerned = {one for each in due for one in _concerned(each)}
        lock_people(db, concerned)
        gone = _erased(db, concerned)
        numbers = policy.current(db)
        found = coverage(db)
        reserve, allowances = found.reserve, found.allowances
        for commission in due:
            shares = _grants(db, commission, numbers)
            grants = [grant for grant in shares if grant.user_id not in gone]
            granted = sum((grant.amount for grant in grants), usd(0))
            buffer = usd(0)
            if lacks_buffer(reserve + granted, allowances + granted, numbers):
                most = _percent_of(commission, numbers.most_percent)
                buffer = min(_percent_of(commission, numbers.buffer_percent), most - granted)
            _promise(db, commission, grants, granted + buffer)
            reserve, allowances = reserve + granted + buffer, allowances + granted
        return len(due)


def _erased(db: Session, user_ids: set[int]) -> set[int]:
    """Those of these who can redeem nothing any more: what would be theirs stays commission."""
    erased = select(User.id).where(User.id.in_(user_ids), User.email.endswith(ERASED_DOMAIN))
    return set(db.scalars(erased))


def _concerned(commission: PotCommission) -> set[int]:
    """Everybody whose allowance it can move."""
    sides = {commission.provider_user_id, commission.seeker_user_id}
    referrers = {commission.provider_referrer_user_id, commission.seeker_referrer_user_id}
    return sides | {one for one in referrers if one is not None}


def _promise(db: Session, commission: PotCommission, grants: list[_Grant], reserved: Money) -> None:
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
    """Who is promised how much of this commission, within the most there is."""
    provider = _percent_of(commission, numbers.provider_percent)
    seeker = _percent_of(commission, numbers.seeker_percent)
    wanted = [
        _Grant(Side.PROVIDER, commission.provider_user_id, provider),
        _Grant(Side.SEEKER, commission.seeker_user_id, seeker),
    ]
    for side in (Side.PROVIDER, Side.SEEKER):
        referrer = getattr(commission, f"{side}_referrer_user_id")
        if referrer is not None:
            share = _percent_of(commission, numbers.referrer_percent)
            uncovered = _uncovered(db, commission, side, referrer)
            wanted.append(_Grant(f"{side}_referrer", referrer, min(share, uncovered)))
    left = _percent_of(commission, numbers.most_percent)
    grants = []
    for grant in wanted:
        granted = min(grant.amount, left)
        left -= granted
        if granted.cents > 0:
            grants.append(_Grant(grant.role, grant.user_id, granted))
    return grants


def _percent_of(commission: PotCommission, percent: int) -> Money:
    return commission.amount.share_rounded_down(percent * BASIS_POINTS_PER_PERCENT)


def _uncovered(db: Session, commission: PotCommission, side: Side, referrer: int) -> Money:
    """What of the referrer's award for this person that no commission has covered yet."""
    person = getattr(PotCommission, f"{side}_user_id")
    invited = person == getattr(commission, f"{side}_user_id")
    award = select(func.coalesce(func.sum(PotAward.amount), 0)).where(
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
    return max(PAYOUT_PER_POT * int(db.scalar(award) or 0) - covered, usd(0))


def _take_back(db: Session, commission: PotCommission) -> int:
    """Undo a clearing; returns the cents that are lost."""
    row = CashTransaction
    entries = db.scalars(
        select(row)
        .where(row.idempotency_key.in_([f"clear:{commission.id}:{part}" for part in _PARTS]))
        .order_by(row.user_id, row.id)
    ).all()
    grants = [
        _Grant(e.category, e.user_id, usd(e.amount)) for e in entries if e.user_id is not None
    ]
    reserved = sum(
        entry.amount for entry in entries if entry.system_account == SystemAccount.RESERVE
    )
    # With those whose awards are taken back next: held one after the other, some wait in a circle.
    earners = select(PotAward.user_id).where(
        PotAward.reference_type == "engagement",
        PotAward.reference_id == commission.engagement_id,
    )
    lock_people(db, _concerned(commission) | set(db.scalars(earners)))
    missing = 0
    for grant in grants:
        announce(db, AllowanceWithdrawn(grant.user_id, grant.amount.cents))
        taken = min(grant.amount.cents, free(db, CASH, grant.user_id))
        missing += grant.amount.cents - taken
        if taken:
            back = _Grant(grant.role, grant.user_id, usd(-taken))
            post(db, CASH, _allowance(commission, back, f"unclear:{commission.id}:{grant.role}"))
    # What is with the bank will still be paid out of the reserve.
    reserve = max(system_balances(db, CASH)[SystemAccount.RESERVE] - _with_the_bank(db), 0)
    returned = min(reserved - missing, reserve)
    lost = min(missing, reserve - returned)
    if returned > 0:
        key = f"unclear:{commission.id}:unreserve"
        _move(db, commission, key, TransactionType.RESERVE, (*_RESERVING, -returned))
    if lost:
        key = f"unclear:{commission.id}:loss"
        _move(db, commission, key, TransactionType.LOSS, (*_LOSS, -lost))
    return lost


def _with_the_bank(db: Session) -> int:
    sent = select(func.coalesce(func.sum(PotRedemption.payout_cents), 0)).where(
        PotRedemption.status == RedemptionStatus.APPROVED, PotRedemption.exported_at.is_not(None)
    )
    return int(db.scalar(sent) or 0)


def _commission(db: Session, fact: EngagementPaid) -> PotCommission:
    provider, seeker = PotCommission.provider_user_id, PotCommission.seeker_user_id
    of_provider = PotCommission.provider_referrer_user_id
    of_seeker = PotCommission.seeker_referrer_user_id
    return PotCommission(
        engagement_id=fact.engagement_id,
        provider_user_id=fact.provider_user_id,
        seeker_user_id=fact.seeker_user_id,
        provider_referrer_user_id=_existing(db, fact.provider_referrer_user_id)
        or _referrer(db, of_provider, provider, fact.provider_user_id),
        seeker_referrer_user_id=_existing(db, fact.seeker_referrer_user_id)
        or _referrer(db, of_seeker, seeker, fact.seeker_user_id),
        deal_cents=fact.deal_cents,
        commission_cents=fact.commission_cents,
        paid_at=fact.paid_at,
        clears_at=fact.paid_at + timedelta(days=_days_until_safe(db, fact)),
    )


def _existing(db: Session, user_id: int | None) -> int | None:
    """The person's id, unless nobody has it any more."""
    return db.scalar(select(User.id).where(User.id == user_id))


def _referrer(
    db: Session,
    referrer: InstrumentedAttribute[int | None],
    person: InstrumentedAttribute[int],
    person_id: int,
) -> int | None:
    """Who invited this person, as their first paid engagement said."""
    known = select(referrer).where(person == person_id, referrer.is_not(None))
    return db.scalar(known.order_by(PotCommission.id).limit(1))


def _days_until_safe(db: Session, fact: EngagementPaid) -> int:
    """Large deals and first payments are the ones that fraud reverses late."""
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
    db: Session, commission: PotCommission, key: str, kind: TransactionType, flow: _Flow
) -> None:
    """Move a part of a commission between system accounts."""
    post(db, CASH, _between_systems(key, kind, flow, ("commission", commission.id)))


def _between_systems(
    key: str, kind: TransactionType, flow: _Flow, reference: tuple[str, int]
) -> Movement:
    return Movement(
        key=key,
        system_account=flow[0],
        counter_account=flow[1],
        amount=flow[2],
        transaction_type=kind,
        category=kind,
        reference_type=reference[0],
        reference_id=reference[1],
    )
