"""Reads of purchases: active options, a person's purchases, and open orders."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.pot.shop.models import PotPurchase, PurchaseStatus

OPEN_STATUSES = (PurchaseStatus.ACTIVE, PurchaseStatus.ORDERED)


def active(
    db: Session, option: str, reference_type: str, among: Collection[int] | None = None
) -> dict[int, datetime | None]:
    """The ids that an option is in effect for now, each with its end (None: for ever).

    `among` restricts the result to these reference ids.
    """
    query = select(PotPurchase.reference_id, PotPurchase.ends_at).where(
        PotPurchase.option == option,
        PotPurchase.status == PurchaseStatus.ACTIVE,
        PotPurchase.reference_type == reference_type,
        PotPurchase.starts_at <= now(),
        (PotPurchase.ends_at.is_(None)) | (PotPurchase.ends_at > now()),
    )
    if among is not None:
        query = query.where(PotPurchase.reference_id.in_(among))
    rows = db.execute(query)
    return {reference_id: ends_at for reference_id, ends_at in rows if reference_id is not None}


def bought_for(
    db: Session, user_id: int, reference_type: str, reference_id: int
) -> list[PotPurchase]:
    """A person's open orders and active options for one reference, the first to end first."""
    query = select(PotPurchase).where(
        PotPurchase.user_id == user_id,
        PotPurchase.status.in_(OPEN_STATUSES),
        PotPurchase.reference_type == reference_type,
        PotPurchase.reference_id == reference_id,
    )
    return list(db.scalars(query.order_by(PotPurchase.ends_at, PotPurchase.id)))


def purchases(
    db: Session, user_id: int, limit: int = 50, *, after_id: int | None = None
) -> list[PotPurchase]:
    """A person's purchases, newest first; `after_id` is the last id of the previous page."""
    query = select(PotPurchase).where(PotPurchase.user_id == user_id)
    if after_id is not None:
        query = query.where(PotPurchase.id < after_id)
    return list(db.scalars(query.order_by(PotPurchase.id.desc()).limit(limit)))


def bought(db: Session, user_id: int, key: str) -> PotPurchase | None:
    """The purchase with this idempotency key, if any."""
    return db.scalar(select(PotPurchase).where(PotPurchase.key == key_of(user_id, key)))


def open_orders(db: Session, limit: int = 200) -> list[PotPurchase]:
    """The orders that operators have to deliver, the most urgent first."""
    query = select(PotPurchase).where(PotPurchase.status == PurchaseStatus.ORDERED)
    return list(db.scalars(query.order_by(PotPurchase.ends_at, PotPurchase.id).limit(limit)))


def key_of(user_id: int, key: str) -> str:
    """The stored idempotency key: unique for each person."""
    return f"buy:{user_id}:{key}"
