"""What people bought with POT."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id


class PotPurchase(Base):
    """Something bought with POT, and how far it is delivered.

    "active" runs until `ends_at` (or for ever), "ordered" waits for an operator with its POT
    held, "delivered" is done, "cancelled" and "refunded" gave the POT back.
    """

    __tablename__ = "pot_purchases"
    __table_args__ = (
        CheckConstraint(
            "status IN ('active', 'ordered', 'delivered', 'cancelled', 'refunded')", name="status"
        ),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_pot_purchases_user", "user_id", "id"),
        Index("ix_pot_purchases_status", "status", "ends_at"),
        Index("ix_pot_purchases_reference", "option", "reference_id"),  # what shows its effect
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    option: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    reference_type: Mapped[str | None] = mapped_column(String(32))
    reference_id: Mapped[int | None]
    note: Mapped[str] = mapped_column(String(300), default="")
    transaction_id: Mapped[int | None]  # the charge, or the hold of an order
    renews: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[datetime] = mapped_column(default=now)
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]
