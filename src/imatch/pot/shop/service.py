"""Spend POT: charge or hold the price, deliver, cancel, refund, renew and end purchases."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.operators import checked_words
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Conflict, DomainError, NotFound
from imatch.core.events import announce
from imatch.core.ids import is_id
from imatch.facts.economy import OptionEnded, OptionPurchased
from imatch.jobs.run_each import run_each
from imatch.ledger import (
    POT,
    Entry,
    InsufficientFunds,
    Movement,
    Phase,
    SystemAccount,
    TransactionType,
    capture,
    post,
    release,
)
from imatch.pot.awards import clawbacks
from imatch.pot.errors import InsufficientPot, POTKeyReused
from imatch.pot.shop import letters
from imatch.pot.shop.catalog import (
    SPENDING_BY_NAME,
    SPENDINGS,
    Delivery,
    Spending,
    transaction_type_of,
)
from imatch.pot.shop.models import PotPurchase, PurchaseStatus
from imatch.pot.shop.queries import OPEN_STATUSES, key_of

REFUNDABLE_DAYS = 180
_BATCH_SIZE = 1_000


class NotOffered(NotFound):
    code = "not_offered"


class WrongPrice(Conflict):
    code = "wrong_price"


class BoughtElsewhere(Conflict):
    code = "bought_elsewhere"


class PurchaseNotFound(NotFound):
    code = "purchase_not_found"


class PurchaseSettled(Conflict):
    code = "purchase_settled"


def offered() -> tuple[Spending, ...]:
    """The options that are for sale."""
    return tuple(spending for spending in SPENDINGS if spending.offered)


def option_named(option: str) -> Spending:
    """The option with this name. Raises NotOffered."""
    spending = SPENDING_BY_NAME.get(option)
    if spending is None or not spending.offered:
        raise NotOffered(f"There is nothing called {option!r} to spend POT on.")
    return spending


def buy(
    db: Session,
    user_id: int,
    option: str,
    *,
    key: str,
    amount: int | None = None,
    reference_type: str | None = None,
    reference_id: int | None = None,
    renews: bool = False,
    note: str = "",
) -> PotPurchase:
    """Charge the price, or hold it until an operator delivers. Idempotent by `key`.

    `amount` chooses an open price in POT. The reference is what the option is for (a provider,
    a need). Announces OptionPurchased if the option takes effect at once; a listener that raises
    rolls the purchase back. Raises NotOffered, WrongPrice, InsufficientPot, POTKeyReused, Invalid.
    """
    spending = option_named(option)
    note = _checked_note(note)
    price = spending.pot if amount is None else amount
    if not spending.price_allows(price):
        raise WrongPrice(f"{spending.title} costs {_price_in_words(spending)}.")
    with atomic(db):
        purchase = PotPurchase(
            key=key_of(user_id, key),
            user_id=user_id,
            option=option,
            amount=price,
            status=_first_status(spending),
            reference_type=reference_type,
            reference_id=reference_id,
            note=note,
            renews=renews and spending.delivery is Delivery.SPAN,
            starts_at=now(),
            created_at=now(),
        )
        entry = _charge(db, purchase, spending)
        if entry.replayed:
            return _first_purchase(db, purchase)
        purchase.transaction_id = entry.id
        if spending.delivery is Delivery.SPAN:
            purchase.starts_at = _end_of_active_span(db, purchase) or purchase.starts_at
        if spending.days:
            purchase.ends_at = purchase.starts_at + timedelta(days=spending.days)
        db.add(purchase)
        db.flush()
        if purchase.status == PurchaseStatus.ACTIVE:
            announce(db, _purchase_fact(purchase))
        return purchase


def _first_status(spending: Spending) -> PurchaseStatus:
    by_operator = spending.delivery is Delivery.ORDER
    return PurchaseStatus.ORDERED if by_operator else PurchaseStatus.ACTIVE


def _first_purchase(db: Session, repeated: PotPurchase) -> PotPurchase:
    """The purchase with this key. Raises POTKeyReused if the note or renewal differs.

    The ledger has already compared option, price and reference.
    """
    first = db.scalars(select(PotPurchase).where(PotPurchase.key == repeated.key)).one()
    # An operator's note replaces the buyer's at delivery, and the buyer may have stopped renewing.
    other_note = first.note != repeated.note and first.status != PurchaseStatus.DELIVERED
    if other_note or (first.renews and not repeated.renews):
        raise POTKeyReused("This key was used for another order.")
    return first


def _charge(db: Session, purchase: PotPurchase, spending: Spending) -> Entry:
    """Burn the price, or hold it for an order."""
    ordered = purchase.status == PurchaseStatus.ORDERED
    movement = Movement(
        key=purchase.key,
        user_id=purchase.user_id,
        amount=-purchase.amount,
        counter_account=SystemAccount.BURNED,
        transaction_type=TransactionType.HOLD if ordered else transaction_type_of(purchase.option),
        category=purchase.option,
        phase=Phase.HOLD if ordered else Phase.DIRECT,
        description=spending.title,
        reference_type=purchase.reference_type,
        reference_id=purchase.reference_id,
    )
    try:
        return post(db, POT, movement)
    except InsufficientFunds as refusal:
        raise InsufficientPot(required=refusal.required, available=refusal.available) from refusal


def deliver(db: Session, purchase_id: int, *, note: str = "") -> PotPurchase:
    """Mark an order as delivered: burns the held POT and mails the note to the buyer.

    Raises PurchaseNotFound, PurchaseSettled, Invalid.
    """
    note = _checked_note(note)
    with atomic(db):
        purchase = _locked(db, purchase_id)
        _refuse_settled(purchase)
        capture(
            db,
            POT,
            purchase.transaction_id or 0,
            key=f"deliver:{purchase.id}",
            transaction_type=transaction_type_of(purchase.option),
        )
        purchase.status = PurchaseStatus.DELIVERED
        purchase.note = note or purchase.note
        purchase.settled_at = now()
        letters.order_delivered(db, purchase, note)
        return purchase


def cancel(db: Session, purchase_id: int, *, user_id: int | None = None) -> PotPurchase:
    """Cancel an order and release its POT. Idempotent.

    A buyer (`user_id`) may cancel only their own orders. Without `user_id` the buyer gets a letter.
    Raises PurchaseNotFound, PurchaseSettled.
    """
    with atomic(db):
        purchase = _locked(db, purchase_id, user_id)
        if purchase.status == PurchaseStatus.CANCELLED:
            return purchase
        _refuse_settled(purchase)
        release(db, POT, purchase.transaction_id or 0, key=f"cancel:{purchase.id}")
        clawbacks.settle_debts(db, purchase.user_id, purchase.amount, f"purchase:{purchase.id}")
        purchase.status, purchase.settled_at = PurchaseStatus.CANCELLED, now()
        if user_id is None:
            letters.order_returned(db, purchase)
        return purchase


def refund(db: Session, purchase_id: int, *, reason: str) -> PotPurchase:
    """Refund a charge within REFUNDABLE_DAYS: returns all its POT and ends its effect.

    Announces OptionEnded if it was active. Raises PurchaseNotFound, PurchaseSettled.
    """
    with atomic(db):
        purchase = _locked(db, purchase_id)
        if purchase.status not in (PurchaseStatus.ACTIVE, PurchaseStatus.DELIVERED):
            raise PurchaseSettled("Only what was charged can be refunded.")
        if purchase.created_at < now() - timedelta(days=REFUNDABLE_DAYS):
            raise PurchaseSettled(f"Refunds are possible for {REFUNDABLE_DAYS} days.")
        post(
            db,
            POT,
            Movement(
                key=f"refund:{purchase.id}",
                user_id=purchase.user_id,
                amount=purchase.amount,
                counter_account=SystemAccount.BURNED,
                transaction_type=transaction_type_of(purchase.option),
                category=purchase.option,
                description=f"Refund: {reason}"[:300],
                reference_type="purchase",
                reference_id=purchase.id,
            ),
        )
        clawbacks.settle_debts(db, purchase.user_id, purchase.amount, f"purchase:{purchase.id}")
        in_effect = purchase.status == PurchaseStatus.ACTIVE
        purchase.status, purchase.renews = PurchaseStatus.REFUNDED, False
        purchase.settled_at = now()
        if in_effect:
            announce(db, _end_fact(purchase))
        return purchase


def stop_renewing(db: Session, purchase_id: int, *, user_id: int) -> PotPurchase:
    with atomic(db):
        purchase = _locked(db, purchase_id, user_id)
        purchase.renews = False
        return purchase


def start_renewing(db: Session, purchase_id: int, *, user_id: int) -> PotPurchase:
    """Renew the purchase when it ends. Raises PurchaseSettled unless it is an active span."""
    with atomic(db):
        purchase = _locked(db, purchase_id, user_id)
        spending = SPENDING_BY_NAME.get(purchase.option)
        spans = spending is not None and spending.delivery is Delivery.SPAN
        if purchase.status != PurchaseStatus.ACTIVE or not spans:
            raise PurchaseSettled("Only what runs until a day can renew.")
        purchase.renews = True
        return purchase


def settle_due(db: Session) -> int:
    """Renew or end expired spans, and cancel orders that were not delivered in time.

    Returns the number of settled purchases. Buyers get a letter if a renewal is refused. A purchase
    that fails is retried at the next run and does not stop the others. Raises SomeFailed at the
    end.
    """
    due = select(PotPurchase.id).where(
        PotPurchase.status.in_(OPEN_STATUSES), PotPurchase.ends_at <= now()
    )
    ids = db.scalars(due.order_by(PotPurchase.ends_at).limit(_BATCH_SIZE)).all()
    return run_each(db, "purchase", ids, lambda purchase_id: _settle(db, purchase_id))


def _settle(db: Session, purchase_id: int) -> None:
    purchase = _locked(db, purchase_id)
    if purchase.status == PurchaseStatus.ORDERED:
        cancel(db, purchase_id)
    elif purchase.status == PurchaseStatus.ACTIVE:
        end(db, purchase)


def end(db: Session, purchase: PotPurchase) -> None:
    """End an active purchase, or renew it. Announces OptionEnded unless it was renewed."""
    purchase.status = PurchaseStatus.DELIVERED
    purchase.settled_at = now()
    db.flush()
    # A closed account is not charged: its owner could not stop the renewal.
    is_active = db.get_one(User, purchase.user_id, populate_existing=True).active
    if purchase.renews and is_active and _renew(db, purchase):
        return
    announce(db, _end_fact(purchase))


def _renew(db: Session, purchase: PotPurchase) -> bool:
    """Buy the same again; False if that is refused, with a letter to the buyer."""
    try:
        # A refused renewal rolls back its own charge only.
        with db.begin_nested():
            buy(
                db,
                purchase.user_id,
                purchase.option,
                key=f"renewal of {purchase.id}",
                amount=purchase.amount,
                reference_type=purchase.reference_type,
                reference_id=purchase.reference_id,
                renews=True,
                note=purchase.note,
            )
    except DomainError as refusal:
        purchase.renews = False
        letters.not_renewed(db, purchase, refusal)
        return False
    return True


def _checked_note(note: str) -> str:
    """The note as one stripped line; may be empty. Raises Invalid."""
    return checked_words(note, "note", "Write one line of plain text.") if note.strip() else ""


def _price_in_words(spending: Spending) -> str:
    if spending.most is None:
        return f"{spending.pot} POT"
    return f"{spending.pot} to {spending.most} POT"


def _end_of_active_span(db: Session, purchase: PotPurchase) -> datetime | None:
    """The latest end of the same active option for the same reference: the new span follows it."""
    running = select(func.max(PotPurchase.ends_at)).where(
        PotPurchase.user_id == purchase.user_id,
        PotPurchase.option == purchase.option,
        PotPurchase.status == PurchaseStatus.ACTIVE,
        PotPurchase.reference_type.is_not_distinct_from(purchase.reference_type),
        PotPurchase.reference_id.is_not_distinct_from(purchase.reference_id),
        PotPurchase.ends_at > now(),
    )
    return db.scalar(running)


def _locked(db: Session, purchase_id: int, user_id: int | None = None) -> PotPurchase:
    """The purchase, locked; of this buyer if `user_id` is given. Raises PurchaseNotFound."""
    purchase = None
    if is_id(purchase_id):
        purchase = db.get(PotPurchase, purchase_id, with_for_update=True, populate_existing=True)
    if purchase is None or (user_id is not None and purchase.user_id != user_id):
        raise PurchaseNotFound(f"There is no purchase {purchase_id}.")
    return purchase


def _refuse_settled(order: PotPurchase) -> None:
    if order.status != PurchaseStatus.ORDERED:
        raise PurchaseSettled("This order is already settled.")


def _purchase_fact(purchase: PotPurchase) -> OptionPurchased:
    subject = (purchase.option, purchase.reference_type, purchase.reference_id)
    span = (purchase.starts_at, purchase.ends_at)
    return OptionPurchased(purchase.id, purchase.user_id, *subject, *span)


def _end_fact(purchase: PotPurchase) -> OptionEnded:
    subject = (purchase.option, purchase.reference_type, purchase.reference_id)
    return OptionEnded(purchase.id, purchase.user_id, *subject)
