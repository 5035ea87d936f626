"""Heartbeats of workers: who is alive, and whose unfinished work nobody does."""

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
_DEAD_AFTER = timedelta(seconds=60)


def beat(db: Session, worker_id: str, started_at: datetime) -> None:
    """Note that this process's worker is alive, and forget those that are not."""
    with atomic(db):
        for worker in db.scalars(select(JobWorker).where(JobWorker.id != worker_id)):
            if not _alive(worker):
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


def leave(db: Session, worker_id: str) -> None:
    with atomic(db):
        worker = db.get(JobWorker, worker_id)
        if worker is not None:
            db.delete(worker)


def last_heartbeat(db: Session) -> datetime | None:
    return db.scalar(select(func.max(JobWorker.seen_at)))


def dead_executors(db: Session) -> list[str]:
    """Workers that are gone although the engine has work noted as running in them."""
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


def _alive(worker: JobWorker) -> bool:
    if worker.seen_at < now() - _DEAD_AFTER:
        return False
    if worker.host != socket.gethostname():
        return True
    # On this machine there is no need to wait for the heartbeat to grow old. Our own number
    # in another worker's row is that of an earlier life (the first process of a container).
    return worker.process_id != os.getpid() and _process_exists(worker.process_id)


def _process_exists(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
