"""Paid commission, which funds redemptions."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.columns import Base, Id, one_of
from imatch.core.money import Money, usd


class CommissionStatus(StrEnum):
    PAID = "paid"  # received; a refund is still possible
    CLEARED = "cleared"  # safe: its allowances are granted
    REVERSED = "reversed"  # refunded


class PotCommission(Base):
    """The commission of an engagement. It funds allowances once it is cleared."""

    __tablename__ = "pot_commissions"
    __table_args__ = (
        CheckConstraint(one_of("status", CommissionStatus), name="status"),
        CheckConstraint("commission_cents > 0", name="commission_cents"),
        Index("ix_pot_commissions_status", "status", "clears_at"),
    )

    id: Mapped[Id]
    engagement_id: Mapped[int] = mapped_column(
        unique=True
    )  # no foreign key: this domain treats it as opaque
    provider_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    seeker_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    provider_referrer_user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    seeker_referrer_user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    deal_cents: Mapped[int]
    commission_cents: Mapped[int]
    status: Mapped[CommissionStatus] = mapped_column(default=CommissionStatus.PAID)
    paid_at: Mapped[datetime]
    clears_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        return usd(self.commission_cents)
