"""Reads of messages, for the local outbox and the health check."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.errors import NotFound
from imatch.mail.models import MailMessage


class NoSuchMessage(NotFound):
    code = "no_such_message"


def latest(db: Session, limit: int) -> Sequence[MailMessage]:
    """The newest messages, newest first."""
    return db.scalars(select(MailMessage).order_by(MailMessage.id.desc()).limit(limit)).all()


def message(db: Session, message_id: int) -> MailMessage:
    row = db.get(MailMessage, message_id)
    if row is None:
        raise NoSuchMessage("There is no such message in the outbox.")
    return row


def undelivered_since(db: Session, moment: datetime) -> int:
    """The number of undelivered messages that were written before this moment."""
    undelivered = select(func.count()).where(
        MailMessage.sent_at.is_(None), MailMessage.created_at < moment
    )
    return db.scalar(undelivered) or 0
