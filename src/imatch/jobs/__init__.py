"""Durable background work. Jobs are enqueued in the caller's transaction and run by a worker.

    @job("greet")
    def greet(user_id: int) -> None: ...

    with atomic(db):
        ...
        enqueue(db, greet, user.id)

A job may run more than once, because a worker can die after the work and before it is recorded.
Jobs are therefore idempotent. Only this package imports the job engine (DBOS).
"""

from imatch.jobs.queue import enqueue
from imatch.jobs.registry import Job, job

__all__ = ["Job", "enqueue", "job"]
