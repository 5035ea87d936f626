"""Send plain-text mail inside the caller's transaction."""

from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.settings import get_settings
from imatch.jobs import enqueue
from imatch.mail.delivery import deliver
from imatch.mail.models import MailMessage


def send(db: Session, *, recipient: str, subject: str, text: str) -> MailMessage:
    """Store the message and enqueue its delivery; a rollback sends nothing.

    Without a mail server, the message counts as sent once it is in the local outbox. Nothing is
    sent to erased accounts, whose addresses end in `.invalid`.
    """
    with atomic(db):
        message = MailMessage(
            recipient=recipient, subject=" ".join(subject.split()), text=text, created_at=now()
        )
        db.add(message)
        db.flush()
        if get_settings().smtp_host and not recipient.endswith(".invalid"):
            enqueue(db, deliver, message.id)
        else:
            message.sent_at = message.created_at
    return message
