"""Send plain-text mail as part of the caller's transaction."""

from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.settings import get_settings
from imatch.jobs import enqueue
from imatch.mail.delivery import deliver
from imatch.mail.models import MailMessage


def send(db: Session, *, recipient: str, subject: str, text: str) -> MailMessage:
    """Write the message down and let a worker deliver it; a rollback sends nothing.

    Without a mail server the message has arrived as soon as it lies in the local outbox. To an
    erased account, whose address is under `.invalid`, nothing is sent.
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
