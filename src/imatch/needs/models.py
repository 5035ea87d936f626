"""The table of needs. A need may exist before its owner has an account."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.accounts.models import User
from imatch.categories.models import Category
from imatch.core.columns import Base, EncryptedJson, Id, Timestamped, one_of


class NeedStatus(StrEnum):
    DRAFT = "draft"
    COMPLETE = "complete"
    CLOSED = "closed"


class Need(Timestamped, Base):
    """One need in one category. Readable with its token, or by its user once it has one."""

    __tablename__ = "seekers"
    __table_args__ = (
        CheckConstraint(one_of("status", NeedStatus), name="status"),
        Index("ix_seekers_category_status", "category_id", "status"),
    )

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    category_id: Mapped[int] = mapped_column(ForeignKey(Category.id))
    status: Mapped[NeedStatus] = mapped_column(default=NeedStatus.DRAFT)
    # Two objects by field name: `values`, and `importance` (must, prefer or ignore).
    answers: Mapped[dict[str, Any]] = mapped_column(EncryptedJson)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    resume_code_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    resume_expires_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
