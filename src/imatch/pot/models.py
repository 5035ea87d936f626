"""Why POT moved: awards, purchases, redemptions, and the policy they follow.

Amounts stand in the ledger's books; these rows say what a movement was for and what becomes of it.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, EncryptedJson, Id, Timestamped


class PotAward(Base):
    """An award that a rule gave: paid, or waiting in the queue for a week's budget."""

    __tablename__ = "pot_awards"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'paid', 'clawed_back')", name="status"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("award_class IN ('A', 'B')", name="award_class"),
        # With the status, so that counting against caps reads the index alone.
        Index("ix_pot_awards_user_rule", "user_id", "rule", "earned_at", "status"),
        Index(
            "ix_pot_awards_queue",
            "id",
            sqlite_where=text("status = 'queued'"),
            postgresql_where=text("status = 'queued'"),
        ),
        Index("ix_pot_awards_reference", "reference_type", "reference_id"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    rule: Mapped[str] = mapped_column(String(64))
    cap_scope: Mapped[str] = mapped_column(String(64), default="")  # what the cap counts within
    amount: Mapped[int]
    award_class: Mapped[str] = mapped_column(String(1))
    status: Mapped[str] = mapped_column(String(16))
    reference_type: Mapped[str | None] = mapped_column(String(32))
    reference_id: Mapped[int | None]
    earned_at: Mapped[datetime] = mapped_column(default=now)
    paid_at: Mapped[datetime | None] = mapped_column(index=True)
    transaction_id: Mapped[int | None]


class PotOnceEarned(Base):
    """A once-only award of an account that was erased; its address is known by a keyed hash alone.

    `user_id` is the account that was opened anew with that address, if any.
    """

    __tablename__ = "pot_once_earned"
    __table_args__ = (UniqueConstraint("address_hash", "rule"),)

    id: Mapped[Id]
    address_hash: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id), index=True)
    forget_at: Mapped[datetime] = mapped_column(index=True)


class PotGrant(Base):
    """A manual award that one operator proposes and another approves."""

    __tablename__ = "pot_grants"
    __table_args__ = (
        CheckConstraint("status IN ('proposed', 'approved', 'rejected')", name="status"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("decided_by <> proposed_by", name="second_person"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    amount: Mapped[int]
    category: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(300))
    status: Mapped[str] = mapped_column(String(16), default="proposed")
    proposed_by: Mapped[int] = mapped_column(ForeignKey(User.id))
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    transaction_id: Mapped[int | None]


class PotDebt(Base):
    """What a clawback could not take at once: later awards pay it first."""

    __tablename__ = "pot_debts"
    __table_args__ = (
        CheckConstraint("owed >= 0", name="owed"),
        Index("ix_pot_debts_user", "user_id", "id"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200), unique=True)  # the clawback's
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    owed: Mapped[int]
    reason: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(default=now)


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


class PotPayee(Timestamped, Base):
    """Where somebody's payouts go, and whether an operator verified who they are."""

    __tablename__ = "pot_payees"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, autoincrement=False)
    details: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)  # name, account, country
    details_changed_at: Mapped[datetime] = mapped_column(default=now)
    identity_verified_at: Mapped[datetime | None]
    verified_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))


class PotFraudHold(Base):
    """While `lifted_at` is empty this person redeems nothing."""

    __tablename__ = "pot_fraud_holds"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    reason: Mapped[str] = mapped_column(String(300))
    placed_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    placed_at: Mapped[datetime] = mapped_column(default=now)
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    lifted_at: Mapped[datetime | None]


class PotRedemption(Base):
    """POT on its way to becoming dollars; both books hold their part until it is paid."""

    __tablename__ = "pot_redemptions"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'approved', 'paid', 'rejected', 'cancelled')", name="status"
        ),
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
    status: Mapped[str] = mapped_column(String(16), default="pending")
    pot_hold_id: Mapped[int]
    cash_hold_id: Mapped[int | None]  # the allowance set aside, at the latest on approval
    requested_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]  # may be paid from this moment
    decided_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
    exported_at: Mapped[datetime | None]  # on its way to the bank: cancelled no more
    paid_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    paid_at: Mapped[datetime | None]
    bank_reference: Mapped[str] = mapped_column(String(64), default="")


class PotEngagement(Base):
    """An engagement that was heard of: whoever hears more of it waits for this row.

    Nobody's data: an opaque number here, and when it was reversed, which can be before it is paid.
    """

    __tablename__ = "pot_engagements"

    engagement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reversed_at: Mapped[datetime | None]


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


class PotPolicyVersion(Base):
    """The economy's numbers; every version is kept, and a change needs two operators."""

    __tablename__ = "pot_policy_versions"
    __table_args__ = (
        CheckConstraint("status IN ('proposed', 'approved', 'rejected')", name="status"),
        CheckConstraint("decided_by <> proposed_by", name="second_person"),
    )

    id: Mapped[Id]
    numbers: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(1000), default="")
    status: Mapped[str] = mapped_column(String(16), default="proposed")
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    effective_at: Mapped[datetime | None]


class PotPolicyRun(Base):
    """One week's decision of the controller: what it saw, and what it minted and budgeted."""

    __tablename__ = "pot_policy_runs"
    __table_args__ = (UniqueConstraint("week"),)

    id: Mapped[Id]
    week: Mapped[date] = mapped_column(Date)  # its Monday, in UTC
    policy_version_id: Mapped[int] = mapped_column(ForeignKey(PotPolicyVersion.id))
    inputs: Mapped[dict[str, Any]]
    minted: Mapped[int]
    award_budget: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
