"""The number of jobs by state, read in a separate session."""

from collections import Counter

from sqlalchemy import func, select

from imatch.core.database import SessionLocal, engine
from imatch.jobs import Job, store
from imatch.jobs.queue import status_counts


def states() -> Counter[str]:
    with SessionLocal() as db:
        return status_counts(db)


def states_of(job: Job[...]) -> Counter[str]:
    """The states of one job, whatever schedules start meanwhile."""
    jobs = store.status_table(engine())
    query = select(jobs.c.status, func.count()).where(jobs.c.name == job.name)
    with SessionLocal() as db:
        counts = db.execute(query.group_by(jobs.c.status))
        return Counter({str(status): int(count) for status, count in counts})
