"""Forget letters that arrived long ago."""

from datetime import timedelta

from sqlalchemy import delete

from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.jobs import job
from imatch.mail.models import MailMessage

KEPT_DAYS = 30


@job("forget_old_mail", cron="29 3 * * *")
def forget_old_mail() -> None:
    """Delete messages that were delivered more than KEPT_DAYS ago; undelivered ones stay."""
    before = now() - timedelta(days=KEPT_DAYS)
    with SessionLocal() as db, atomic(db):
        db.execute(delete(MailMessage).where(MailMessage.sent_at < before))
