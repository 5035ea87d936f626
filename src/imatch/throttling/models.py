"""The table of counted tries."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.clock import now
from imatch.core.columns import Base, Id


class SignInAttempt(Base):
    """One try of a rate-limited action, by e-mail address or network, across all processes."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_subject_at", "subject_hash", "at"),)

    id: Mapped[Id]
    subject_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=now, index=True)
