"""The table of engagements: work that a seeker and a provider agreed on."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.columns import Base, Id, Timestamped, one_of
from imatch.matches.models import Match
from imatch.needs.models import Need
from imatch.providers.models import Provider


class EngagementStatus(StrEnum):
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Engagement(Timestamped, Base):
    __tablename__ = "engagements"
    __table_args__ = (
        CheckConstraint(one_of("status", EngagementStatus), name="status"),
        CheckConstraint("deal_cents IS NULL OR deal_cents >= 0", name="deal_cents"),
        Index("ix_engagements_provider", "provider_id", "id"),
    )

    id: Mapped[Id]
    match_id: Mapped[int | None] = mapped_column(ForeignKey(Match.id), unique=True)
    seeker_id: Mapped[int] = mapped_column(ForeignKey(Need.id), index=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey(Provider.id))
    status: Mapped[EngagementStatus] = mapped_column(default=EngagementStatus.ACTIVE)
    deal_cents: Mapped[int | None]
    completed_at: Mapped[datetime | None]
