"""Reversed engagements, also those whose payment has not been announced yet.

Facts can be announced repeatedly, out of order, or concurrently.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.pot.models import PotEngagement


def among(db: Session, engagement_ids: Iterable[int | None]) -> set[int]:
    """The ids of the reversed engagements among these.

    Locks all their rows: no reversal can commit before this transaction ends. Call this before
    people are locked, to avoid deadlocks.
    """
    return _lock_engagements(db, {id_ for id_ in engagement_ids if id_ is not None}, None)


def record(db: Session, engagement_id: int) -> None:
    """Record a reversal. Idempotent; takes the same locks as `among`."""
    _lock_engagements(db, {engagement_id}, now())


def _lock_engagements(
    db: Session, engagement_ids: set[int], reversed_at: datetime | None
) -> set[int]:
    if not engagement_ids:
        return set()
    on_sqlite = db.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(PotEngagement) if on_sqlite else postgresql.insert(PotEngagement)
    # The update also runs where nothing changes: it locks the row and returns it.
    first_reversal = func.coalesce(PotEngagement.reversed_at, insert.excluded.reversed_at)
    upsert = insert.on_conflict_do_update(
        index_elements=[PotEngagement.engagement_id], set_={"reversed_at": first_reversal}
    ).returning(PotEngagement.engagement_id, PotEngagement.reversed_at)
    # In ascending id order, to avoid deadlocks.
    rows = [{"engagement_id": id_, "reversed_at": reversed_at} for id_ in sorted(engagement_ids)]
    return {id_ for id_, moment in db.execute(upsert, rows) if moment is not None}
