"""Announce each day on which a signed-in user does something."""

from datetime import date

from sqlalchemy.orm import Session

from imatch.accounts.models import UserSession
from imatch.core import clock
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts.people import DayBegun

_MAX_REMEMBERED_SESSIONS = 50_000
# The days that this process announced by session, so that not every action queries the database.
# Listeners are idempotent: another process, or this one after a restart, may announce a day again.
_announced: dict[str, date] = {}


def announce_day(db: Session, session: UserSession) -> None:
    """Announce DayBegun at the session's first action of the day."""
    today = clock.today()
    session_key = session.token_hash
    if _announced.get(session_key) == today:
        return
    with atomic(db):
        announce(db, DayBegun(session.user_id, today))
    if len(_announced) >= _MAX_REMEMBERED_SESSIONS:
        _announced.clear()
    _announced[session_key] = today
