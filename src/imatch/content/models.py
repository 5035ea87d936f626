"""The table of content that users publish for others."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.core.columns import Base, Id, Timestamped


class Content(Timestamped, Base):
    __tablename__ = "content"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'pending', 'published', 'rejected')", name="status"),
    )

    id: Mapped[Id]
    author_user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default="draft")
    published_at: Mapped[datetime | None]
