"""The job that hands a written message to the mail server."""

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
    """Send one message unless it was sent. A server that refuses or is away: a later try."""
    with SessionLocal() as db:
        message = db.get(MailMessage, message_id)
        if message is None or message.sent_at is not None:
            return
        settings = get_settings()
        envelope = _envelope(message, settings)
        db.rollback()  # no transaction is held while the mail server takes its time
        _hand_over(envelope, settings)
        with atomic(db):
            message.sent_at = now()
            # Links in a message open accounts: what is delivered is not kept here as well.
            message.text = ""


def _envelope(message: MailMessage, settings: Settings) -> EmailMessage:
    envelope = EmailMessage()
    envelope["From"] = settings.mail_from
    envelope["To"] = message.recipient
    envelope["Subject"] = message.subject
    envelope["Date"] = format_datetime(message.created_at)
    # The same on every try, so that a message sent twice after a crash shows up once.
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    envelope["Message-ID"] = f"<{message.id}.{message.created_at.timestamp():.0f}@{domain}>"
    envelope["Auto-Submitted"] = "auto-generated"
    envelope.set_content(message.text)
    return envelope


def _hand_over(envelope: EmailMessage, settings: Settings) -> None:
    with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_SECONDS) as server:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(envelope)
