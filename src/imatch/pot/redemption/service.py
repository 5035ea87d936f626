"""Redeem POT for dollars: ask, set aside in both books, approve, send to the bank, pay.

A request holds its POT at once, and its part of the person's cash allowance at the latest when an
operator approves it. Paying it is a second operator's act; until then it can be given back whole.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.errors import UserNotFound
from imatch.accounts.models import User
from imatch.accounts.operators import checked_words, record, require_operator
from imatch.accounts.queries import user_by_id as person_of
from imatch.approvals.service import Step, decide
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import FieldError
from imatch.core.ids import is_id
from imatch.core.money import Money
from imatch.core.settings import get_settings
from imatch.facts.economy import AllowanceWithdrawn
from imatch.ledger import (
    CASH,
    POT,
    Movement,
    Phase,
    SystemAccount,
    TransactionType,
    post,
    queries,
    release,
)
from imatch.ledger.models import MAX_AMOUNT
from imatch.mail import service as mail
from imatch.pot.awards.clawbacks import settle_debts
from imatch.pot.errors import BadAmount, BadArgument, POTKeyReused
from imatch.pot.models import OPEN_REDEMPTIONS, PotRedemption, RedemptionStatus
from imatch.pot.policy import service as policy
from imatch.pot.policy.service import Numbers
from imatch.pot.redemption.eligibility import reasons_against, refusal_of_amount
from imatch.pot.redemption.errors import (
    NotRedeemable,
    OwnRedemption,
    RedemptionClosed,
    RedemptionDecided,
    RedemptionNotFound,
    UnknownPaymentMethod,
)
from imatch.pot.redemption.models import PotPayee
from imatch.pot.redemption.queries import of_id, redeemable_pot
from imatch.pot.rules import PAYOUT_PER_POT, REDEMPTION, VALUE_PER_POT
from imatch.web import formats

PAYMENT_METHODS = {"bank_transfer": "Bank transfer"}
MAX_KEY_CHARACTERS = 150
_REVERSED = "An engagement whose commission would have paid for it was refunded."
_GIVEN_BACK = """Your request to redeem {pot} POT was not accepted. The POT are yours again.

The reason:

{reason}

Your requests: {url}/wallet/redeem
"""


# Operators decide nothing about their own money. Paying is in `payouts`, and takes a second one.
_APPROVE: Step[PotRedemption] = Step(
    (RedemptionStatus.PENDING,), RedemptionDecided, {"user_id": OwnRedemption}
)
_REJECT: Step[PotRedemption] = Step(OPEN_REDEMPTIONS, RedemptionDecided, {"user_id": OwnRedemption})


@dataclass(frozen=True, slots=True)
class RedemptionPreview:
    """What a request would come to; `pot` at full value less the fee is the payout."""

    pot: int
    value: Money
    fee: Money
    payout: Money
    due_at: datetime


def preview(db: Session, user_id: int, pot: int) -> RedemptionPreview:
    """What redeeming would bring, and when. Raises what `request` would raise."""
    _check_amount(pot)
    person = person_of(db, user_id)
    numbers = policy.current(db)
    _refuse_unredeemable(db, person, pot, numbers)
    payout, value = PAYOUT_PER_POT * pot, VALUE_PER_POT * pot
    return RedemptionPreview(pot, value, value - payout, payout, _due_at(db, person.id, numbers))


def request(db: Session, user_id: int, pot: int, payment_method: str, *, key: str) -> PotRedemption:
    """Ask for dollars: every gate and limit is checked, and both books set their part aside.

    The same key returns the first request. Raises RedemptionClosed, NotRedeemable, BadAmount,
    UnknownPaymentMethod, KeyReused.
    """
    _check(pot, payment_method, key)
    with atomic(db):
        person = _locked_person(db, user_id)
        known = _known(db, person.id, pot, payment_method, key)
        if known is not None:
            return known
        numbers = policy.current(db)
        _refuse_unredeemable(db, person, pot, numbers)
        filed = _filed(db, person.id, pot, payment_method, key, numbers)
        set_allowance_aside(db, filed)
        return filed


def file(db: Session, user_id: int, pot: int, payment_method: str, *, key: str) -> PotRedemption:
    """Hold the POT for a request that trusted code makes; gates and limits wait for `approve`."""
    _check(pot, payment_method, key)
    with atomic(db):
        person = _locked_person(db, user_id)
        known = _known(db, person.id, pot, payment_method, key)
        if known is not None:
            return known
        return _filed(db, person.id, pot, payment_method, key, policy.current(db))


def cancel(db: Session, user_id: int, redemption_id: int) -> PotRedemption:
    """Take one's own request back; its POT are free again. Cancelling twice is once.

    Raises RedemptionNotFound, RedemptionDecided.
    """
    with atomic(db):
        redemption = locked(db, redemption_id)
        if redemption.user_id != user_id:
            raise RedemptionNotFound
        if redemption.status == RedemptionStatus.CANCELLED:
            return redemption
        if redemption.exported_at is not None:
            raise RedemptionDecided(redemption)
        give_back(db, redemption, RedemptionStatus.CANCELLED)
        return redemption


def approve(db: Session, redemption_id: int, operator_id: int) -> PotRedemption:
    """An operator's yes: every gate and limit holds at this moment, and the allowance is held.

    Raises RedemptionDecided, RedemptionClosed, NotRedeemable, OwnRedemption, OperatorsOnly.
    """
    with atomic(db):
        redemption = locked_for_operator(db, redemption_id, operator_id)
        _APPROVE.check(redemption, operator_id)
        numbers = policy.current(db)
        person = db.get_one(User, redemption.user_id)
        reasons = reasons_against(db, person, numbers)
        if reasons:
            raise RedemptionClosed(reasons)
        refusal = refusal_of_amount(db, person.id, redemption.pot_amount, numbers, upto=redemption)
        if refusal:
            raise NotRedeemable(refusal)
        if redemption.cash_hold_id is None:
            set_allowance_aside(db, redemption)
        decide(
            db,
            redemption,
            RedemptionStatus.APPROVED,
            operator_id,
            act="approve_redemption",
            redemption_id=redemption.id,
        )
        return redemption


def reject(db: Session, redemption_id: int, operator_id: int, reason: str) -> PotRedemption:
    """An operator's no, also to what the bank sent back; the person reads the reason.

    Raises Invalid without a reason, RedemptionDecided, OwnRedemption, OperatorsOnly.
    """
    words = checked_words(reason, "reason", "Say why: the person reads it.")
    with atomic(db):
        redemption = locked_for_operator(db, redemption_id, operator_id)
        _REJECT.check(redemption, operator_id)
        give_back(db, redemption, RedemptionStatus.REJECTED, words)
        redemption.decided_by = operator_id
        record("reject_redemption", operator_id, redemption_id=redemption.id)
        return redemption


def locked(db: Session, redemption_id: int) -> PotRedemption:
    """The request, with its person, held against changes by others. Raises RedemptionNotFound."""
    found = of_id(db, redemption_id)
    _locked_person(db, found.user_id)
    db.refresh(found, with_for_update=True)
    return found


def locked_for_operator(db: Session, redemption_id: int, operator_id: int) -> PotRedemption:
    """A request to decide on, with its person, locked. Raises OperatorsOnly, RedemptionNotFound."""
    require_operator(db, operator_id)
    return locked(db, redemption_id)


def give_back(
    db: Session, redemption: PotRedemption, status: RedemptionStatus, reason: str = ""
) -> None:
    """End an open request: POT and allowance are free again, and the person reads the reason.

    Raises RedemptionDecided.
    """
    if redemption.status not in OPEN_REDEMPTIONS:
        raise RedemptionDecided(redemption)
    key = f"redeem:{redemption.id}:back"
    release(db, POT, redemption.pot_hold_id, key=key, description="Redemption given back")
    settle_debts(db, redemption.user_id, redemption.pot_amount, f"redemption:{redemption.id}")
    if redemption.cash_hold_id is not None:
        release(db, CASH, redemption.cash_hold_id, key=key)
    redemption.status, redemption.reason = status, reason
    redemption.decided_at = now()
    person = db.get_one(User, redemption.user_id)
    if reason and person.active:
        text = _GIVEN_BACK.format(
            pot=formats.number(redemption.pot_amount), reason=reason, url=get_settings().base_url
        )
        mail.send(db, recipient=person.email, subject="Your POT are back", text=text)


def on_allowance_withdrawn(db: Session, fact: AllowanceWithdrawn) -> None:
    """Give back requests that rely on this allowance, the newest first, unless on their way."""
    relying = db.scalars(
        select(PotRedemption)
        .where(
            PotRedemption.user_id == fact.user_id,
            PotRedemption.status.in_(OPEN_REDEMPTIONS),
            PotRedemption.cash_hold_id.is_not(None),
            PotRedemption.exported_at.is_(None),
        )
        .order_by(PotRedemption.id.desc())
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for redemption in relying:
        if queries.free(db, CASH, fact.user_id) >= fact.cents:
            return
        give_back(db, redemption, RedemptionStatus.REJECTED, _REVERSED)


def set_allowance_aside(db: Session, redemption: PotRedemption) -> None:
    """Hold what the request will be paid from. Raises InsufficientFunds."""
    redemption.cash_hold_id = post(
        db,
        CASH,
        Movement(
            key=f"redeem:{redemption.id}:allowance",
            user_id=redemption.user_id,
            amount=-redemption.payout_cents,
            counter_account=SystemAccount.ALLOWANCES,
            transaction_type=TransactionType.HOLD,
            category=REDEMPTION,
            phase=Phase.HOLD,
            reference_type="redemption",
            reference_id=redemption.id,
        ),
    ).id


def _refuse_unredeemable(db: Session, person: User, pot: int, numbers: Numbers) -> None:
    reasons = reasons_against(db, person, numbers)
    if reasons:
        raise RedemptionClosed(reasons)
    message = refusal_of_amount(db, person.id, pot, numbers)
    redeemable = redeemable_pot(db, person.id)
    if not message and pot > redeemable:
        message = f"You can redeem {formats.number(redeemable)} POT now."
    if message:
        raise NotRedeemable(message)


def _filed(
    db: Session, user_id: int, pot: int, payment_method: str, key: str, numbers: Numbers
) -> PotRedemption:
    payout = PAYOUT_PER_POT * pot
    hold = post(
        db,
        POT,
        Movement(
            key=f"{_key(user_id, key)}:hold",
            user_id=user_id,
            amount=-pot,
            counter_account=SystemAccount.REDEEMED,
            transaction_type=TransactionType.HOLD,
            category=REDEMPTION,
            phase=Phase.HOLD,
            description=f"Redemption for {formats.money(payout)}",
        ),
    )
    filed = PotRedemption(
        key=_key(user_id, key),
        user_id=user_id,
        pot_amount=pot,
        payout_cents=payout.cents,
        payment_method=payment_method,
        pot_hold_id=hold.id,
        requested_at=now(),
        due_at=_due_at(db, user_id, numbers),
    )
    db.add(filed)
    db.flush()
    return filed


def _due_at(db: Session, user_id: int, numbers: Numbers) -> datetime:
    """Payouts wait, and wait longer after the payee's details changed: time to notice a theft."""
    due = now() + timedelta(days=numbers.hold_days)
    payee = db.get(PotPayee, user_id)
    if payee is None:
        return due
    changed = payee.details_changed_at
    return max(due, changed + timedelta(days=numbers.hold_days_after_new_details))


def _known(
    db: Session, user_id: int, pot: int, payment_method: str, key: str
) -> PotRedemption | None:
    """The request that this key made before. Raises KeyReused where it asked for other things."""
    known = db.scalar(select(PotRedemption).where(PotRedemption.key == _key(user_id, key)))
    if known is not None and (known.pot_amount, known.payment_method) != (pot, payment_method):
        raise POTKeyReused(f"The key {key!r} was used for another redemption.")
    return known


def _key(user_id: int, key: str) -> str:
    return f"redeem:{user_id}:{key}"


def _check(pot: int, payment_method: str, key: str) -> None:
    _check_amount(pot)
    if payment_method not in PAYMENT_METHODS:
        raise UnknownPaymentMethod(payment_method)
    if not 0 < len(key) <= MAX_KEY_CHARACTERS or not key.isprintable():
        raise BadArgument(f"A key has 1 to {MAX_KEY_CHARACTERS} printable characters.")


def _check_amount(pot: int) -> None:
    if type(pot) is not int or not 0 < pot <= MAX_AMOUNT:
        message = "Write a whole number of POT."
        raise BadAmount(message, fields=(FieldError("pot", message, "pot"),))


def _locked_person(db: Session, user_id: int) -> User:
    # Not against the books' references to a person.
    held = select(User).where(User.id == user_id).with_for_update(key_share=True)
    held = held.execution_options(populate_existing=True)
    person = db.scalars(held).one_or_none() if is_id(user_id) else None
    if person is None:
        raise UserNotFound(user_id)
    return person
