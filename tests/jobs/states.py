"""The number of jobs by state, read in a separate session."""

from collections import Counter

from imatch.core.database import SessionLocal
from imatch.jobs.queue import status_counts


def states() -> Counter[str]:
    with SessionLocal() as db:
        return status_counts(db)
