"""Reads for the wallet's pages: open purchases and receipts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.ids import is_id
from imatch.ledger.models import PotTransaction
from imatch.pot.shop.models import PotPurchase, PurchaseStatus


@dataclass(frozen=True, slots=True)
class Receipt:
    """A purchase, with the free POT before and after it."""

    purchase: PotPurchase
    free_before: int
    free_after: int


def running(db: Session, user_id: int) -> Sequence[PotPurchase]:
    """Open orders and active spans of a person, the first to end first; at most 100."""
    query = select(PotPurchase).where(
        PotPurchase.user_id == user_id,
        or_(
            PotPurchase.status == PurchaseStatus.ORDERED,
            (PotPurchase.status == PurchaseStatus.ACTIVE) & (PotPurchase.ends_at > now()),
        ),
    )
    return db.scalars(query.order_by(PotPurchase.ends_at, PotPurchase.id).limit(100)).all()


def receipt(db: Session, user_id: int, purchase_id: int) -> Receipt | None:
    """The receipt of a purchase; None unless this person bought it."""
    purchase = db.get(PotPurchase, purchase_id) if is_id(purchase_id) else None
    if purchase is None or purchase.user_id != user_id or purchase.transaction_id is None:
        return None
    row = db.get_one(PotTransaction, purchase.transaction_id)
    return Receipt(purchase, row.balance_before or 0, row.balance_after or 0)
