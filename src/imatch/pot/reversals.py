"""Which engagements were reversed, also those whose payment has not been heard of yet.

Facts can be announced again, in another order, or at the same moment.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.pot.models import PotEngagement


def among(db: Session, engagement_ids: Iterable[int | None]) -> set[int]:
    """Those of these engagements that were reversed; for the others, no reversal comes between.

    Whoever hears of an engagement asks first, before people are locked: who asks next about any
    of these waits until this transaction ends.
    """
    return _held(db, {one for one in engagement_ids if one is not None}, None)


def note(db: Session, engagement_id: int) -> None:
    """Remember a reversal, and wait as `among` does."""
    _held(db, {engagement_id}, now())


def _held(db: Session, engagement_ids: set[int], reversed_at: datetime | None) -> set[int]:
    if not engagement_ids:
        return set()
    on_sqlite = db.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(PotEngagement) if on_sqlite else postgresql.insert(PotEngagement)
    # Updated also where nothing changes: that locks the row, whoever made it, and returns it.
    known = func.coalesce(PotEngagement.reversed_at, insert.excluded.reversed_at)
    held = insert.on_conflict_do_update(
        index_elements=[PotEngagement.engagement_id], set_={"reversed_at": known}
    ).returning(PotEngagement.engagement_id, PotEngagement.reversed_at)
    # Ascending, so that nobody waits in a circle.
    rows = [{"engagement_id": one, "reversed_at": reversed_at} for one in sorted(engagement_ids)]
    return {one for one, moment in db.execute(held, rows) if moment is not None}
