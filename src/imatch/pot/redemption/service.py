"""Redeem POT for dollars: request, hold in both books, approve, export to the bank, pay.

A request holds its POT at once, and its cents of the person's cash allowance when an operator
approves it at the latest. A second operator pays it; until then both holds can be released.
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


# Operators must not decide on their own redemptions. Paying, in `payouts`, needs a second operator.
_APPROVE: Step[PotRedemption] = Step(
    (RedemptionStatus.PENDING,), RedemptionDecided, {"user_id": OwnRedemption}
)
_REJECT: Step[PotRedemption] = Step(OPEN_REDEMPTIONS, RedemptionDecided, {"user_id": OwnRedemption})


@dataclass(frozen=True, slots=True)
class RedemptionPreview:
    """What a request would bring: `payout` is `value` less `fee`."""

    pot: int
    value: Money
    fee: Money
    payout: Money
    due_at: datetime


def preview(db: Session, user_id: int, pot: int) -> RedemptionPreview:
    """What redeeming would bring, and when. Raises the same errors as `request`."""
    _check_amount(pot)
    person = person_of(db, user_id)
    numbers = policy.current(db)
    _refuse_unredeemable(db, person, pot, numbers)
    payout, value = PAYOUT_PER_POT * pot, VALUE_PER_POT * pot
    return RedemptionPreview(pot, value, value - payout, payout, _due_at(db, person.id, numbers))


def request(db: Session, user_id: int, pot: int, payment_method: str, *, key: str) -> PotRedemption:
    """Request a redemption: checks eligibility and limits, and holds POT and allowance.

    `key` is an idempotency key: the same key returns the first request. Raises RedemptionClosed,
    NotRedeemable, BadAmount, BadArgument, UnknownPaymentMethod, POTKeyReused.
    """
    _check_request(pot, payment_method, key)
    with atomic(db):
        person = _locked_person(db, user_id)
        existing = _existing(db, person.id, pot, payment_method, key)
        if existing is not None:
            return existing
        numbers = policy.current(db)
        _refuse_unredeemable(db, person, pot, numbers)
        redemption = _create(db, person.id, pot, payment_method, key, numbers)
        hold_allowance(db, redemption)
        return redemption


def file(db: Session, user_id: int, pot: int, payment_method: str, *, key: str) -> PotRedemption:
    """File a request for trusted code: holds the POT only.

    `approve` checks eligibility, limits and allowance. Idempotent by `key`. Raises BadAmount,
    BadArgument, UnknownPaymentMethod, POTKeyReused.
    """
    _check_request(pot, payment_method, key)
    with atomic(db):
        person = _locked_person(db, user_id)
        existing = _existing(db, person.id, pot, payment_method, key)
        if existing is not None:
            return existing
        return _create(db, person.id, pot, payment_method, key, policy.current(db))


def cancel(db: Session, user_id: int, redemption_id: int) -> PotRedemption:
    """Cancel the person's own request and release its holds. Idempotent.

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
    """Approve a request: checks eligibility and limits again, and holds the allowance.

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
            hold_allowance(db, redemption)
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
    """Reject a request, also one that the bank returned; the person reads the reason.

    Raises Invalid without a reason, RedemptionDecided, OwnRedemption, OperatorsOnly.
    """
    reason = checked_words(reason, "reason", "Say why: the person reads it.")
    with atomic(db):
        redemption = locked_for_operator(db, redemption_id, operator_id)
        _REJECT.check(redemption, operator_id)
        give_back(db, redemption, RedemptionStatus.REJECTED, reason)
        redemption.decided_by = operator_id
        record("reject_redemption", operator_id, redemption_id=redemption.id)
        return redemption


def locked(db: Session, redemption_id: int) -> PotRedemption:
    """The request. Locks its person and its row. Raises RedemptionNotFound."""
    redemption = of_id(db, redemption_id)
    _locked_person(db, redemption.user_id)
    db.refresh(redemption, with_for_update=True)
    return redemption


def locked_for_operator(db: Session, redemption_id: int, operator_id: int) -> PotRedemption:
    """As `locked`, for an operator to decide on. Raises OperatorsOnly, RedemptionNotFound."""
    require_operator(db, operator_id)
    return locked(db, redemption_id)


def give_back(
    db: Session, redemption: PotRedemption, status: RedemptionStatus, reason: str = ""
) -> None:
    """End an open request and release its holds. Mails the reason to the person, if there is one.

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
    """Reject open requests, the newest first, until the withdrawn allowance is free.

    Requests that were exported to the bank stay.
    """
    dependent = db.scalars(
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
    for redemption in dependent:
        if queries.free(db, CASH, fact.user_id) >= fact.cents:
            return
        give_back(db, redemption, RedemptionStatus.REJECTED, _REVERSED)


def hold_allowance(db: Session, redemption: PotRedemption) -> None:
    """Hold the request's cents in the person's allowance. Raises InsufficientFunds."""
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


def _create(
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
    redemption = PotRedemption(
        key=_key(user_id, key),
        user_id=user_id,
        pot_amount=pot,
        payout_cents=payout.cents,
        payment_method=payment_method,
        pot_hold_id=hold.id,
        requested_at=now(),
        due_at=_due_at(db, user_id, numbers),
    )
    db.add(redemption)
    db.flush()
    return redemption


def _due_at(db: Session, user_id: int, numbers: Numbers) -> datetime:
    """When the payout is due: later after a change of payee details, to notice a theft in time."""
    due = now() + timedelta(days=numbers.hold_days)
    payee = db.get(PotPayee, user_id)
    if payee is None:
        return due
    changed = payee.details_changed_at
    return max(due, changed + timedelta(days=numbers.hold_days_after_new_details))


def _existing(
    db: Session, user_id: int, pot: int, payment_method: str, key: str
) -> PotRedemption | None:
    """The request with this key, if any. Raises POTKeyReused if its amount or method differs."""
    existing = db.scalar(select(PotRedemption).where(PotRedemption.key == _key(user_id, key)))
    if existing and (existing.pot_amount, existing.payment_method) != (pot, payment_method):
        raise POTKeyReused(f"The key {key!r} was used for another redemption.")
    return existing


def _key(user_id: int, key: str) -> str:
    return f"redeem:{user_id}:{key}"


def _check_request(pot: int, payment_method: str, key: str) -> None:
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
    # FOR NO KEY UPDATE does not block foreign keys of the books that refer to the person.
    query = select(User).where(User.id == user_id).with_for_update(key_share=True)
    query = query.execution_options(populate_existing=True)
    person = db.scalars(query).one_or_none() if is_id(user_id) else None
    if person is None:
        raise UserNotFound(user_id)
    return person
