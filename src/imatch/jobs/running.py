"""Runs a job's attempt and enqueues the next one if it fails."""

import threading
import traceback
from collections.abc import Callable
from datetime import datetime

from dbos import DBOS

from imatch.core.database import SessionLocal
from imatch.core.logs import log
from imatch.jobs import queue, registry
from imatch.jobs.registry import Job

# A job whose worker dies is recovered this many times, then given up.
_MAX_RECOVERIES = 5
_SCHEDULE = "imatch.schedule"

_running: set[str] = set()
_running_lock = threading.Lock()
_registered: dict[str, Callable[..., None]] = {}


class JobFailed(Exception):
    """The last attempt failed. Names the error without its message, which may quote people."""


def has_running_jobs() -> bool:
    return bool(_running)


def register_jobs() -> None:
    """Register all jobs with the engine, once for the lifetime of the process."""
    for job in registry.all_jobs():
        if job.name not in _registered:
            _registered[job.name] = _workflow(job.name, _runner(job))
    if _SCHEDULE not in _registered:
        _registered[_SCHEDULE] = _workflow(_SCHEDULE, run_scheduled)


def apply_schedules() -> None:
    """Create, update and delete the engine's schedules to match the scheduled jobs."""
    scheduled = {job.name: job for job in registry.all_jobs() if job.cron}
    for schedule in DBOS.list_schedules():
        if schedule["schedule_name"] not in scheduled:
            DBOS.delete_schedule(schedule["schedule_name"])
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
    return DBOS.workflow(name=name, max_recovery_attempts=_MAX_RECOVERIES)(function)


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
    except Exception as error:  # noqa: BLE001 -- any error leads to another attempt
        kind = type(error).__name__
        frame = traceback.extract_tb(error.__traceback__)[-1]
        log().warning(
            "job_failed",
            job=job.name,
            attempt=attempt,
            attempts=job.attempts,
            error=kind,
            at=f"{frame.filename}:{frame.lineno}",
        )
        if attempt >= job.attempts:
            raise JobFailed(f"{kind} in the last of {attempt} attempts") from None
        queue.enqueue_retry(job, job_id, attempt, *args)


def run_scheduled(due_at: datetime, job_name: str) -> None:
    """Enqueue a scheduled job. Its key makes it run once, however many workers call this."""
    job = next(job for job in registry.all_jobs() if job.name == job_name)
    with SessionLocal() as db:
        queue.enqueue(db, job, key=f"scheduled {due_at.isoformat()}")
