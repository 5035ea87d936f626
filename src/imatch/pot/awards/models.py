"""Awards, grants by hand, debts, and once-only awards of erased accounts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id, enum_text, one_of
from imatch.pot.models import ProposalStatus
from imatch.pot.rules import AwardClass


class AwardStatus(StrEnum):
    QUEUED = "queued"  # waits for a weekly budget
    PAID = "paid"
    CLAWED_BACK = "clawed_back"  # taken back after payment, or cancelled in the queue


class PotAward(Base):
    """An award that a rule gave: paid, or in the queue for a weekly budget."""

    __tablename__ = "pot_awards"
    __table_args__ = (
        CheckConstraint(one_of("status", AwardStatus), name="status"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(one_of("award_class", AwardClass), name="award_class"),
        # Includes the status, so that counting against caps is an index-only scan.
        Index("ix_pot_awards_user_rule", "user_id", "rule", "earned_at", "status"),
        Index(
            "ix_pot_awards_queue",
            "id",
            sqlite_where=text(f"status = '{AwardStatus.QUEUED}'"),
            postgresql_where=text(f"status = '{AwardStatus.QUEUED}'"),
        ),
        Index("ix_pot_awards_reference", "reference_type", "reference_id"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    rule: Mapped[str] = mapped_column(String(64))
    cap_scope: Mapped[str] = mapped_column(String(64), default="")  # what the cap counts within
    amount: Mapped[int]
    award_class: Mapped[AwardClass] = mapped_column(enum_text(AwardClass, 1))
    status: Mapped[AwardStatus]
    reference_type: Mapped[str | None] = mapped_column(String(32))
    reference_id: Mapped[int | None]
    earned_at: Mapped[datetime] = mapped_column(default=now)
    paid_at: Mapped[datetime | None] = mapped_column(index=True)
    transaction_id: Mapped[int | None]


class PotOnceEarned(Base):
    """A once-only award of an erased account, stored under a keyed hash of its address.

    `user_id` is the new account with the same address, if any.
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
        CheckConstraint(one_of("status", ProposalStatus), name="status"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("decided_by <> proposed_by", name="second_person"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    amount: Mapped[int]
    category: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(300))
    status: Mapped[ProposalStatus] = mapped_column(default=ProposalStatus.PROPOSED)
    proposed_by: Mapped[int] = mapped_column(ForeignKey(User.id))
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    transaction_id: Mapped[int | None]


class PotDebt(Base):
    """The POT that a clawback could not take at once. Later awards pay it first."""

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
