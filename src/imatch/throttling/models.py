"""The table of tries that are counted."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.clock import now
from imatch.core.columns import Base, Id


class SignInAttempt(Base):
    """A try at something that is counted per e-mail or network, on all web processes together."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_subject_at", "subject_hash", "at"),)

    id: Mapped[Id]
    subject_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=now, index=True)
