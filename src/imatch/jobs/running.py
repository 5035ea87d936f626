"""What happens when a job's turn comes: call it, and on failure arrange the next try."""

import threading
import traceback
from collections.abc import Callable
from datetime import datetime

from dbos import DBOS

from imatch.core.database import SessionLocal
from imatch.core.logs import log
from imatch.jobs import queue, registry
from imatch.jobs.registry import Job

# A job that kills its worker is given up after so many workers.
_LIVES = 5
_SCHEDULE = "imatch.schedule"

_running: set[str] = set()
_running_lock = threading.Lock()
_registered: dict[str, Callable[..., None]] = {}


class JobFailed(Exception):
    """The last attempt failed. Says which error, but not its message, which may quote people."""


def anything_running() -> bool:
    return bool(_running)


def register_jobs() -> None:
    """Tell the engine about every job; it keeps them for the process's whole life."""
    for job in registry.all_jobs():
        if job.name not in _registered:
            _registered[job.name] = _workflow(job.name, _runner(job))
    if _SCHEDULE not in _registered:
        _registered[_SCHEDULE] = _workflow(_SCHEDULE, run_scheduled)


def apply_schedules() -> None:
    """Bring the engine's list of schedules in line with the jobs that have one."""
    scheduled = {job.name: job for job in registry.all_jobs() if job.cron}
    for known in DBOS.list_schedules():
        if known["schedule_name"] not in scheduled:
            DBOS.delete_schedule(known["schedule_name"])
    DBOS.apply_schedules(
        [
            {
                "schedule_name": name,
                "workflow_fn": _registered[_SCHEDULE],
                "schedule": job.cron or "",
                "context": name,
            }
            for name, job in scheduled.items()
        ]
    )


def _workflow(name: str, function: Callable[..., None]) -> Callable[..., None]:
    return DBOS.workflow(name=name, max_recovery_attempts=_LIVES)(function)


def _runner(job: Job[...]) -> Callable[..., None]:
    def run(attempt: int, *args: object) -> None:
        job_id = DBOS.workflow_id or ""
        with _running_lock:
            _running.add(job_id)
        try:
            _attempt(job, job_id, attempt, args)
        finally:
            with _running_lock:
                _running.discard(job_id)

    return run


def _attempt(job: Job[...], job_id: str, attempt: int, args: tuple[object, ...]) -> None:
    try:
        job(*args)
    except Exception as error:  # noqa: BLE001 -- whatever a job raises is tried again
        kind = type(error).__name__
        last = traceback.extract_tb(error.__traceback__)[-1]
        log().warning(
            "job_failed",
            job=job.name,
            attempt=attempt,
            attempts=job.attempts,
            error=kind,
            at=f"{last.filename}:{last.lineno}",
        )
        if attempt >= job.attempts:
            raise JobFailed(f"{kind} in the last of {attempt} attempts") from None
        queue.enqueue_again(job, job_id, attempt, *args)


def run_scheduled(due_at: datetime, job_name: str) -> None:
    """Enqueue a job whose time has come. However many workers see the moment, it is done once."""
    job = next(job for job in registry.all_jobs() if job.name == job_name)
    with SessionLocal() as db:
        queue.enqueue(db, job, key=f"scheduled {due_at.isoformat()}")
