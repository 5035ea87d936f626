"""A worker records heartbeats, and continues after a failed one."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core.database import SessionLocal, atomic
from imatch.jobs import presence
from imatch.jobs.store import JsonSerializer
from imatch.jobs.worker import running_worker

_TIMEOUT_SECONDS = 30


def _wait_until(condition: Callable[[], bool]) -> None:
    """Poll until the condition is true. Fails after a timeout."""
    event = threading.Event()
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        event.wait(0.005)


def _seen_at() -> datetime | None:
    with SessionLocal() as db:
        return presence.last_heartbeat(db)


def test_heartbeats_are_recorded_while_the_worker_runs(
    sqlite_bound: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT_SECONDS", 0.01)
    with running_worker():
        first = _seen_at()
        assert first is not None
        _wait_until(lambda: _seen_at() != first)
    assert _seen_at() is None


def test_a_failed_heartbeat_is_logged_and_the_next_one_succeeds(
    sqlite_bound: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT_SECONDS", 0.01)
    with structlog.testing.capture_logs() as lines, running_worker():
        _rename(sqlite_bound, "job_workers", "hidden")
        _wait_until(lambda: any(line["event"] == "heartbeat_failed" for line in lines))
        _rename(sqlite_bound, "hidden", "job_workers")
        last = _seen_at()
        _wait_until(lambda: _seen_at() != last)


def _rename(db: Session, old: str, new: str) -> None:
    with atomic(db):
        db.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_arguments_are_stored_as_json() -> None:
    serializer = JsonSerializer()
    moment = datetime(2026, 11, 22, 15, tzinfo=UTC)
    stored = serializer.serialize({"args": [moment, None, "ü"], "kwargs": {}})
    assert stored == (
        '{"args": [{"$datetime": "2026-11-22T15:00:00+00:00"}, null, "ü"], "kwargs": {}}'
    )
    assert serializer.deserialize(stored) == {"args": [moment, None, "ü"], "kwargs": {}}
    error = serializer.deserialize(serializer.serialize(ValueError("no")))
    assert (type(error), str(error)) == (RuntimeError, "no")
