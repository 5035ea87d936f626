"""The table of outgoing messages."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from imatch.core.clock import now
from imatch.core.columns import Base, Id


class MailMessage(Base):
    """A message, stored in the transaction that causes it. A job sends it and sets `sent_at`."""

    __tablename__ = "mail_messages"

    id: Mapped[Id]
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    sent_at: Mapped[datetime | None]
