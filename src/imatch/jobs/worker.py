"""Runs jobs: in the web server's process, or alone as `imatch worker`."""

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
# Claimed jobs wait for one of the threads, so that one poll fetches several rounds of work.
_CLAIMED = 20
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 10


@contextmanager
def running_worker(*, poll_seconds: float = _POLL_SECONDS) -> Iterator[None]:
    """Run the jobs of the process's database in threads until the block ends.

    What is running then gets ten seconds to end; what does not is taken over by the next worker.
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
                _take_over()
                yield
            finally:
                patience = _PATIENCE_SECONDS if running.anything_running() else 0
                DBOS.destroy(workflow_completion_timeout_sec=patience)
    finally:
        engine_store.dispose()


def run_until_idle() -> None:
    """Run everything that is due, then return. What waits for a later try goes on waiting."""
    with running_worker(poll_seconds=0.01):
        while _work_is_due():
            time.sleep(0.01)


def _work_is_due() -> bool:
    with SessionLocal() as db:
        return queue.anything_due(db)


def _declare_queue(engine_store: Engine, poll_seconds: float) -> None:
    store.make_client(engine_store).register_queue(
        store.QUEUE,
        worker_concurrency=_CLAIMED,
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
        # Looks at an empty list in memory; stopping waits for its next look.
        "notification_listener_polling_interval_sec": 0.1,
        "log_level": "WARNING",
    }


@contextmanager
def _heartbeat(worker_id: str) -> Iterator[None]:
    started_at = now()
    with SessionLocal() as db:
        presence.beat(db, worker_id, started_at)
    stopping = threading.Event()
    pulse = threading.Thread(
        target=_keep_beating, args=(worker_id, started_at, stopping), name="job-heartbeat"
    )
    pulse.start()
    try:
        yield
    finally:
        stopping.set()
        pulse.join()
        with SessionLocal() as db:
            presence.leave(db, worker_id)


def _keep_beating(worker_id: str, started_at: datetime, stopping: threading.Event) -> None:
    while not stopping.wait(presence.HEARTBEAT_SECONDS):
        try:
            with SessionLocal() as db:
                presence.beat(db, worker_id, started_at)
            _take_over()
        except Exception as error:  # noqa: BLE001 -- a database that is away now may come back
            log().warning("heartbeat_failed", error=type(error).__name__)


def _take_over() -> None:
    """Put the unfinished work of workers that died back into the queue."""
    with SessionLocal() as db:
        dead = presence.dead_executors(db)
    if dead:
        log().warning("work_taken_over", workers=len(dead))
        DBOS._recover_pending_workflows(dead)  # noqa: SLF001 -- hands each job to one taker only
