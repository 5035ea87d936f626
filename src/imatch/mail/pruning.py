"""Delete delivered messages after a while."""

from datetime import timedelta

from sqlalchemy import delete

from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.jobs import job
from imatch.mail.models import MailMessage

RETENTION_DAYS = 30


@job("forget_old_mail", cron="29 3 * * *")
def forget_old_mail() -> None:
    """Delete messages that were delivered more than RETENTION_DAYS ago."""
    before = now() - timedelta(days=RETENTION_DAYS)
    with SessionLocal() as db, atomic(db):
        db.execute(delete(MailMessage).where(MailMessage.sent_at < before))
