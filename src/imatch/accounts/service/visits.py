"""Notice the first thing that a signed-in person does on a day."""

from datetime import date

from sqlalchemy.orm import Session

from imatch.accounts.models import UserSession
from imatch.core import clock
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts.people import DayBegun

_MOST_REMEMBERED = 50_000
# What this process announced, so that not every action asks the database. Hearing of a day again,
# after a restart or from another process, changes nothing.
_announced: dict[str, date] = {}


def note_action(db: Session, session: UserSession) -> None:
    """Announce the day, once a day for each session."""
    today = clock.today()
    visit = session.token_hash
    if _announced.get(visit) == today:
        return
    with atomic(db):
        announce(db, DayBegun(session.user_id, today))
    if len(_announced) >= _MOST_REMEMBERED:
        _announced.clear()
    _announced[visit] = today
