"""Heartbeats of workers: which are alive, and which died with unfinished jobs."""

import os
import socket
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic, engine
from imatch.jobs import store
from imatch.jobs.models import JobWorker
from imatch.jobs.store import JobStatus

HEARTBEAT_SECONDS = 10
_HEARTBEAT_TIMEOUT = timedelta(seconds=60)


def record_heartbeat(db: Session, worker_id: str, started_at: datetime) -> None:
    """Record that this process's worker is alive, and delete the rows of dead workers."""
    with atomic(db):
        for worker in db.scalars(select(JobWorker).where(JobWorker.id != worker_id)):
            if not _is_alive(worker):
                db.delete(worker)
        db.merge(
            JobWorker(
                id=worker_id,
                host=socket.gethostname(),
                process_id=os.getpid(),
                started_at=started_at,
                seen_at=now(),
            )
        )


def remove_worker(db: Session, worker_id: str) -> None:
    with atomic(db):
        worker = db.get(JobWorker, worker_id)
        if worker is not None:
            db.delete(worker)


def last_heartbeat(db: Session) -> datetime | None:
    return db.scalar(select(func.max(JobWorker.seen_at)))


def dead_executors(db: Session) -> list[str]:
    """The ids of workers that are gone while the engine lists jobs as running in them."""
    jobs = store.status_table(engine())
    return list(
        db.scalars(
            select(jobs.c.executor_id)
            .where(
                jobs.c.status == JobStatus.PENDING, jobs.c.executor_id.not_in(select(JobWorker.id))
            )
            .distinct()
        )
    )


def _is_alive(worker: JobWorker) -> bool:
    if worker.seen_at < now() - _HEARTBEAT_TIMEOUT:
        return False
    if worker.host != socket.gethostname():
        return True
    # A process on this machine can be checked at once. Another worker's row with our own process id
    # is from before a restart (the first process of a container always has the same id).
    return worker.process_id != os.getpid() and _process_exists(worker.process_id)


def _process_exists(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
