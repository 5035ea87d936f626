"""Commission that was paid, which funds redemptions."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.columns import Base, Id
from imatch.core.money import Money, usd


class PotCommission(Base):
    """Commission that was paid for an engagement, and funds allowances once it is safe."""

    __tablename__ = "pot_commissions"
    __table_args__ = (
        CheckConstraint("status IN ('paid', 'cleared', 'reversed')", name="status"),
        CheckConstraint("commission_cents > 0", name="commission_cents"),
        Index("ix_pot_commissions_status", "status", "clears_at"),
    )

    id: Mapped[Id]
    engagement_id: Mapped[int] = mapped_column(unique=True)  # an opaque number here
    provider_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    seeker_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    provider_referrer_user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    seeker_referrer_user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    deal_cents: Mapped[int]
    commission_cents: Mapped[int]
    status: Mapped[str] = mapped_column(String(16), default="paid")
    paid_at: Mapped[datetime]
    clears_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        return usd(self.commission_cents)
