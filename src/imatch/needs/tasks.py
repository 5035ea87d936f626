"""Scheduled job that deletes abandoned needs."""

from datetime import timedelta

from sqlalchemy import delete

from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.core.settings import get_settings
from imatch.jobs import job
from imatch.needs.models import Need


@job("forget_abandoned_needs", cron="41 3 * * *")
def forget_abandoned_needs() -> None:
    """Delete needs without a user, and their matches, not updated for IMATCH_RESUME_DAYS."""
    before = now() - timedelta(days=get_settings().resume_days)
    with SessionLocal() as db, atomic(db):
        db.execute(delete(Need).where(Need.user_id.is_(None), Need.updated_at < before))
