"""Runs jobs in the web server's process, or alone as `imatch worker`."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from dbos import DBOS, DBOSConfig
from sqlalchemy import Engine

from imatch.core.clock import now
from imatch.core.database import SessionLocal, engine
from imatch.core.logs import log
from imatch.jobs import presence, queue, running, store

_THREADS = 4
# More than threads: one poll then fetches several rounds of work.
_MAX_CLAIMED_JOBS = 20
_POLL_SECONDS = 0.5
_SHUTDOWN_TIMEOUT_SECONDS = 10


@contextmanager
def running_worker(*, poll_seconds: float = _POLL_SECONDS) -> Iterator[None]:
    """Run jobs in threads until the block ends.

    Running jobs then have ten seconds to finish; the next worker recovers those that do not.
    """
    worker_id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    engine_store = store.make_engine_store(engine())
    try:
        _declare_queue(engine_store, poll_seconds)
        with _heartbeat(worker_id):
            DBOS(config=_configuration(worker_id, engine_store))
            try:
                running.register_jobs()
                DBOS.launch()
                running.apply_schedules()
                _recover_jobs_of_dead_workers()
                yield
            finally:
                timeout_seconds = _SHUTDOWN_TIMEOUT_SECONDS if running.has_running_jobs() else 0
                DBOS.destroy(workflow_completion_timeout_sec=timeout_seconds)
    finally:
        engine_store.dispose()


def run_until_idle() -> None:
    """Run all due jobs, then return. Delayed jobs stay in the queue."""
    with running_worker(poll_seconds=0.01):
        while _has_due_jobs():
            time.sleep(0.01)


def _has_due_jobs() -> bool:
    with SessionLocal() as db:
        return queue.has_due_jobs(db)


def _declare_queue(engine_store: Engine, poll_seconds: float) -> None:
    store.make_client(engine_store).register_queue(
        store.QUEUE,
        worker_concurrency=_MAX_CLAIMED_JOBS,
        polling_interval_sec=poll_seconds,
        application_name=store.APPLICATION,
    )


def _configuration(worker_id: str, engine_store: Engine) -> DBOSConfig:
    return {
        "name": store.APPLICATION,
        "system_database_engine": engine_store,
        "dbos_system_schema": store.SCHEMA,
        "serializer": store.JsonSerializer(),
        "application_version": store.VERSION,
        "executor_id": worker_id,
        "max_executor_threads": _THREADS,
        "run_migrations": False,
        "use_listen_notify": False,
        # This polls an empty list in memory, and shutting down waits for the next poll.
        "notification_listener_polling_interval_sec": 0.1,
        "log_level": "WARNING",
    }


@contextmanager
def _heartbeat(worker_id: str) -> Iterator[None]:
    started_at = now()
    with SessionLocal() as db:
        presence.record_heartbeat(db, worker_id, started_at)
    stopping = threading.Event()
    thread = threading.Thread(
        target=_record_heartbeats, args=(worker_id, started_at, stopping), name="job-heartbeat"
    )
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        with SessionLocal() as db:
            presence.remove_worker(db, worker_id)


def _record_heartbeats(worker_id: str, started_at: datetime, stopping: threading.Event) -> None:
    while not stopping.wait(presence.HEARTBEAT_SECONDS):
        try:
            with SessionLocal() as db:
                presence.record_heartbeat(db, worker_id, started_at)
            _recover_jobs_of_dead_workers()
        except Exception as error:  # noqa: BLE001 -- the database may become available again
            log().warning("heartbeat_failed", error=type(error).__name__)


def _recover_jobs_of_dead_workers() -> None:
    """Put the unfinished jobs of dead workers back into the queue."""
    with SessionLocal() as db:
        dead_workers = presence.dead_executors(db)
    if dead_workers:
        log().warning("jobs_taken_over", workers=len(dead_workers))
        DBOS._recover_pending_workflows(dead_workers)  # noqa: SLF001 -- recovers each job only once
