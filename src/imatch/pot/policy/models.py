"""Versions of the monetary policy, and its weekly decisions."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.columns import Base, Id, one_of
from imatch.pot.models import ProposalStatus


class PotPolicyVersion(Base):
    """A set of the economy's numbers. Versions are never deleted; a change needs two operators."""

    __tablename__ = "pot_policy_versions"
    __table_args__ = (
        CheckConstraint(one_of("status", ProposalStatus), name="status"),
        CheckConstraint("decided_by <> proposed_by", name="second_person"),
    )

    id: Mapped[Id]
    numbers: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(1000), default="")
    status: Mapped[ProposalStatus] = mapped_column(default=ProposalStatus.PROPOSED)
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decided_at: Mapped[datetime | None]
    effective_at: Mapped[datetime | None]


class PotPolicyRun(Base):
    """A weekly decision of the controller: its inputs, the minted POT and the award budget."""

    __tablename__ = "pot_policy_runs"
    __table_args__ = (UniqueConstraint("week"),)

    id: Mapped[Id]
    week: Mapped[date] = mapped_column(Date)  # its Monday, in UTC
    policy_version_id: Mapped[int] = mapped_column(ForeignKey(PotPolicyVersion.id))
    inputs: Mapped[dict[str, Any]]
    minted: Mapped[int]
    award_budget: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
