"""The job that sends a stored message through the mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.core.settings import Settings, get_settings
from imatch.jobs import job
from imatch.mail.models import MailMessage

_TIMEOUT_SECONDS = 20


@job("deliver_mail", attempts=10, first_delay_seconds=15)
def deliver(message_id: int) -> None:
    """Send one message unless it was sent. The job is retried if the server fails or refuses."""
    with SessionLocal() as db:
        message = db.get(MailMessage, message_id)
        if message is None or message.sent_at is not None:
            return
        settings = get_settings()
        envelope = _envelope(message, settings)
        db.rollback()  # no open transaction while waiting for the mail server
        _submit(envelope, settings)
        with atomic(db):
            message.sent_at = now()
            # Links in a message give access to accounts: delivered texts are deleted.
            message.text = ""


def _envelope(message: MailMessage, settings: Settings) -> EmailMessage:
    envelope = EmailMessage()
    envelope["From"] = settings.mail_from
    envelope["To"] = message.recipient
    envelope["Subject"] = message.subject
    envelope["Date"] = format_datetime(message.created_at)
    # Equal on every attempt, so that mail programs show a message sent twice only once.
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    envelope["Message-ID"] = f"<{message.id}.{message.created_at.timestamp():.0f}@{domain}>"
    envelope["Auto-Submitted"] = "auto-generated"
    envelope.set_content(message.text)
    return envelope


def _submit(envelope: EmailMessage, settings: Settings) -> None:
    with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_SECONDS) as server:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(envelope)
