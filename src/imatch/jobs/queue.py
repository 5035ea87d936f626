"""Enqueue jobs in the caller's transaction, and count the jobs in each state."""

import uuid
from collections import Counter

from dbos import EnqueueOptions
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic, engine
from imatch.jobs import store
from imatch.jobs.registry import Job
from imatch.jobs.store import JobStatus

WAITING_STATES = (JobStatus.ENQUEUED, JobStatus.DELAYED, JobStatus.PENDING)
FAILED_STATES = (JobStatus.ERROR, JobStatus.MAX_RECOVERY_ATTEMPTS_EXCEEDED)


def enqueue(db: Session, job: Job[...], *args: object, key: str | None = None) -> None:
    """A worker calls `job(*args)` after this transaction commits; a rollback removes the job.

    Arguments are JSON values: ids, not rows. Of several calls with the same `key`, one job runs.
    Raises TypeError for other arguments.
    """
    options = _options(job, f"{job.name}:{key or uuid.uuid4().hex}")
    with atomic(db):
        store.enqueuer(engine()).enqueue_in_transaction(db, options, 1, *args)


def enqueue_retry(job: Job[...], job_id: str, failed_attempt: int, *args: object) -> None:
    """Enqueue the next attempt of a failed job, delayed by its backoff. Idempotent."""
    first_id = job_id.partition("#")[0]
    options = _options(job, f"{first_id}#{failed_attempt + 1}")
    options["delay_seconds"] = job.delay_seconds(failed_attempt)
    with SessionLocal() as db, atomic(db):
        store.enqueuer(engine()).enqueue_in_transaction(db, options, failed_attempt + 1, *args)


def _options(job: Job[...], job_id: str) -> EnqueueOptions:
    return {
        "queue_name": store.QUEUE,
        "workflow_name": job.name,
        "workflow_id": job_id,
        "app_version": store.VERSION,
    }


def has_due_jobs(db: Session) -> bool:
    """Whether any job could run now."""
    jobs = store.status_table(engine())
    epoch_ms = int(now().timestamp() * 1000)
    due = select(jobs.c.status).where(
        jobs.c.status.in_((JobStatus.ENQUEUED, JobStatus.PENDING))
        | ((jobs.c.status == JobStatus.DELAYED) & (jobs.c.delay_until_epoch_ms <= epoch_ms))
    )
    return db.scalar(due.limit(1)) is not None


def status_counts(db: Session) -> Counter[str]:
    """The number of jobs by JobStatus."""
    jobs = store.status_table(engine())
    counts = db.execute(select(jobs.c.status, func.count()).group_by(jobs.c.status))
    return Counter({str(status): int(count) for status, count in counts})
