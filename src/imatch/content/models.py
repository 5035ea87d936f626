"""The table of content that users publish for others."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.columns import Base, Id, Timestamped, enum_text, one_of
from imatch.facts.marketplace import ContentKind


class ContentStatus(StrEnum):
    DRAFT = "draft"
    PENDING = "pending"  # an operator has to decide whether it is published
    PUBLISHED = "published"
    REJECTED = "rejected"


class Content(Timestamped, Base):
    __tablename__ = "content"
    __table_args__ = (CheckConstraint(one_of("status", ContentStatus), name="status"),)

    id: Mapped[Id]
    author_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    kind: Mapped[ContentKind] = mapped_column(enum_text(ContentKind, 32))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[ContentStatus] = mapped_column(default=ContentStatus.DRAFT)
    published_at: Mapped[datetime | None]
