"""Stored shortlists, and their matches with the arithmetic."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.clock import now
from imatch.core.columns import Base, EncryptedJson, Id, Timestamped, enum_text, one_of
from imatch.needs.models import Need
from imatch.providers.models import Provider


class MatchKind(StrEnum):
    BASIC = "basic"  # three people
    PREMIUM = "premium"  # ten people
    RE_MATCH = "re_match"  # new people, none repeated
    CUSTOM_CRITERIA = "custom_criteria"  # the seeker's own rules are weighed too


class MatchStatus(StrEnum):
    SUGGESTED = "suggested"
    VIEWED = "viewed"
    CONTACTED = "contacted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ENGAGED = "engaged"
    EXPIRED = "expired"


class Shortlist(Base):
    """A shortlist for a need: who was considered, what each rule removed, the draw."""

    __tablename__ = "shortlists"

    id: Mapped[Id]
    seeker_id: Mapped[int] = mapped_column(ForeignKey(Need.id, ondelete="CASCADE"), index=True)
    kind: Mapped[MatchKind] = mapped_column(enum_text(MatchKind, 20), default=MatchKind.BASIC)
    seed: Mapped[int]
    considered: Mapped[int]
    passed: Mapped[int]
    answers_hash: Mapped[str] = mapped_column(String(64))  # the answers it was made from
    removed: Mapped[list[Any]] = mapped_column(EncryptedJson)  # [{gate, label, count, …}]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Match(Timestamped, Base):
    """A provider on a shortlist."""

    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("shortlist_id", "provider_id"),
        CheckConstraint("fit >= 0 AND fit <= 100", name="fit"),
        CheckConstraint(one_of("status", MatchStatus), name="status"),
        Index("ix_matches_seeker", "seeker_id", "id"),
        Index("ix_matches_provider", "provider_id", "id"),
    )

    id: Mapped[Id]
    shortlist_id: Mapped[int] = mapped_column(ForeignKey(Shortlist.id, ondelete="CASCADE"))
    seeker_id: Mapped[int] = mapped_column(ForeignKey(Need.id, ondelete="CASCADE"))
    provider_id: Mapped[int] = mapped_column(ForeignKey(Provider.id, ondelete="CASCADE"))
    position: Mapped[int]  # 1 is first
    status: Mapped[MatchStatus] = mapped_column(default=MatchStatus.SUGGESTED)
    fit: Mapped[float] = mapped_column(Float)  # 0 to 100
    # The whole explanation: criteria with weights, scores and pool means, reasons, caveat, order.
    explanation: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)
    newcomer: Mapped[bool] = mapped_column(default=False)
    propensity: Mapped[float] = mapped_column(Float, default=1.0)
