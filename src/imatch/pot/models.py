"""Fraud holds, engagements and redemptions of the POT economy.

The ledger's books store amounts. These rows store what a movement was for, and its status.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id, one_of
from imatch.core.money import Money, usd


class PotFraudHold(Base):
    """A fraud hold: while `lifted_at` is empty, its person cannot redeem POT."""

    __tablename__ = "pot_fraud_holds"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    reason: Mapped[str] = mapped_column(String(300))
    placed_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    placed_at: Mapped[datetime] = mapped_column(default=now)
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    lifted_at: Mapped[datetime | None]


class PotEngagement(Base):
    """An engagement in an announced fact. Listeners lock its row to follow one another.

    Contains no personal data: an opaque id, and when the engagement was reversed. The reversal
    can be announced before the payment.
    """

    __tablename__ = "pot_engagements"

    engagement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reversed_at: Mapped[datetime | None]


class ProposalStatus(StrEnum):
    """Status of a proposal that another operator decides: a grant or a policy version."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class RedemptionStatus(StrEnum):
    PENDING = "pending"  # its POT are held; an operator decides next
    APPROVED = "approved"  # waits until `due_at`, then for payment by a second operator
    PAID = "paid"
    REJECTED = "rejected"  # by an operator; POT and allowance are released
    CANCELLED = "cancelled"  # by its owner; POT and allowance are released


OPEN_REDEMPTIONS = frozenset({RedemptionStatus.PENDING, RedemptionStatus.APPROVED})
ENDED_REDEMPTIONS = frozenset(RedemptionStatus) - OPEN_REDEMPTIONS


class PotRedemption(Base):
    """A request to redeem POT for dollars. Both books hold its amount until it is paid."""

    __tablename__ = "pot_redemptions"
    __table_args__ = (
        CheckConstraint(one_of("status", RedemptionStatus), name="status"),
        CheckConstraint("pot_amount > 0", name="pot_amount"),
        CheckConstraint("payout_cents > 0", name="payout_cents"),
        CheckConstraint("paid_by <> decided_by", name="second_person"),
        Index("ix_pot_redemptions_user", "user_id", "id"),
        Index("ix_pot_redemptions_status", "status", "due_at"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    pot_amount: Mapped[int]
    payout_cents: Mapped[int]
    payment_method: Mapped[str] = mapped_column(String(32))
    status: Mapped[RedemptionStatus] = mapped_column(default=RedemptionStatus.PENDING)
    pot_hold_id: Mapped[int]
    cash_hold_id: Mapped[int | None]  # the hold on the allowance; placed on approval at the latest
    requested_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]  # earliest payment
    decided_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    exported_at: Mapped[datetime | None]  # sent to the bank: can no longer be cancelled
    paid_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    paid_at: Mapped[datetime | None]
    bank_reference: Mapped[str] = mapped_column(String(64), default="")

    @property
    def payout(self) -> Money:
        return usd(self.payout_cents)
