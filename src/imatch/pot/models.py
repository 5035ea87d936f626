"""The journal of POT movements, with the columns that the outside relies on."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id


class PotTransaction(Base):
    __tablename__ = "pot_transactions"
    __table_args__ = (
        CheckConstraint(
            "transaction_type IN ('earn', 'spend', 'burn', 'redeem', 'hold', 'release',"
            " 'clawback', 'mint')",
            name="transaction_type",
        ),
        Index("ix_pot_transactions_user", "user_id", "id"),
        Index("ix_pot_transactions_created_at", "created_at"),
    )

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    amount: Mapped[int]  # whole POT, signed
    transaction_type: Mapped[str] = mapped_column(String(16))
    category: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(300), default="")
    reference_type: Mapped[str | None] = mapped_column(String(32))
    reference_id: Mapped[int | None]
    balance_before: Mapped[int]
    balance_after: Mapped[int]
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    created_at: Mapped[datetime] = mapped_column(default=now)
