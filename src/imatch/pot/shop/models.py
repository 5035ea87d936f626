"""Purchases with POT."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id, one_of


class PurchaseStatus(StrEnum):
    ACTIVE = "active"  # charged, in effect until `ends_at`; None: for ever
    ORDERED = "ordered"  # its POT are held until an operator delivers it
    DELIVERED = "delivered"  # an order was delivered, or a span has ended
    CANCELLED = "cancelled"  # an order whose POT were released
    REFUNDED = "refunded"  # a charge whose POT were returned


class PotPurchase(Base):
    """A purchase with POT and the state of its delivery."""

    __tablename__ = "pot_purchases"
    __table_args__ = (
        CheckConstraint(one_of("status", PurchaseStatus), name="status"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_pot_purchases_user", "user_id", "id"),
        Index("ix_pot_purchases_status", "status", "ends_at"),
        Index(
            "ix_pot_purchases_reference", "option", "reference_id"
        ),  # for queries of active options
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    option: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int]
    status: Mapped[PurchaseStatus]
    reference_type: Mapped[str | None] = mapped_column(String(32))
    reference_id: Mapped[int | None]
    note: Mapped[str] = mapped_column(String(300), default="")
    transaction_id: Mapped[int | None]  # the charge, or the hold of an order
    renews: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[datetime] = mapped_column(default=now)
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]
