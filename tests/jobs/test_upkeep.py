"""Schedules, deletion of finished jobs, and recovery of a dead worker's jobs."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.jobs import enqueue, job
from imatch.jobs.models import JobWorker
from imatch.jobs.presence import dead_executors
from imatch.jobs.pruning import RETENTION_DAYS, prune_jobs
from imatch.jobs.running import run_scheduled
from imatch.jobs.worker import run_until_idle
from tests.support.jobs import states

pytestmark = pytest.mark.both_databases

ran: list[str] = []


@job("test_hourly", cron="0 * * * *")
def hourly() -> None:
    ran.append("hourly")


@job("test_word")
def record_word(word: str) -> None:
    ran.append(word)


def _schema(db: Session) -> str:
    return "" if db.get_bind().dialect.name == "sqlite" else "dbos."


def test_schedules_are_created_and_deleted_with_their_job(db: Session) -> None:
    schema = _schema(db)
    with atomic(db):
        db.execute(
            text(
                f"INSERT INTO {schema}workflow_schedules"  # noqa: S608 -- a literal
                " (schedule_id, schedule_name, workflow_name, schedule, status, context)"
                " VALUES ('x', 'retired_job', 'imatch.schedule', '0 * * * *', 'ACTIVE', '\"x\"')"
            )
        )
    run_until_idle()
    with SessionLocal() as session:
        rows = session.execute(
            text(f"SELECT schedule_name, schedule FROM {schema}workflow_schedules")  # noqa: S608
        )
        schedules = {row.schedule_name: row.schedule for row in rows}
    assert schedules["test_hourly"] == "0 * * * *"
    assert "prune_jobs" in schedules
    assert "retired_job" not in schedules


def test_a_scheduled_job_runs_once(db: Session) -> None:
    ran.clear()
    due_at = datetime(2026, 11, 22, 15, tzinfo=UTC)
    run_scheduled(due_at, "test_hourly")
    run_scheduled(due_at, "test_hourly")
    run_until_idle()
    assert ran == ["hourly"]


def test_finished_jobs_are_deleted_after_the_retention_time(db: Session) -> None:
    enqueue(db, record_word, "old")
    run_until_idle()
    prune_jobs()
    assert states() == {"SUCCESS": 1}
    with time_machine.travel(now() + timedelta(days=RETENTION_DAYS, minutes=1)):
        enqueue(db, record_word, "waiting")
        prune_jobs()
    assert states() == {"ENQUEUED": 1}


def test_jobs_of_a_dead_worker_are_recovered(db: Session) -> None:
    ran.clear()
    enqueue(db, record_word, "orphan")
    with atomic(db):
        db.add(_worker("dead-1", process_id=2**22 + 1))
        db.add(_worker("elsewhere-1", process_id=7, host="another-host.example"))
        db.execute(
            text(
                f"UPDATE {_schema(db)}workflow_status"  # noqa: S608 -- a literal
                " SET status = 'PENDING', executor_id = 'dead-1'"
            )
        )
    assert dead_executors(db) == []

    run_until_idle()

    assert ran == ["orphan"]
    assert states() == {"SUCCESS": 1}
    db.rollback()
    assert [worker.id for worker in db.query(JobWorker)] == ["elsewhere-1"]


def test_a_worker_on_another_host_is_dead_after_a_minute_without_heartbeat(db: Session) -> None:
    with atomic(db):
        db.add(_worker("elsewhere-1", process_id=7, host="another-host.example"))
    with time_machine.travel(now() + timedelta(seconds=61)):
        run_until_idle()
    db.rollback()
    assert db.query(JobWorker).count() == 0


def _worker(worker_id: str, *, process_id: int, host: str | None = None) -> JobWorker:
    return JobWorker(
        id=worker_id,
        host=host or socket.gethostname(),
        process_id=process_id,
        started_at=now(),
        seen_at=now(),
    )
