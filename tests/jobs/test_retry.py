"""A failed job is retried with growing delays, and finally given up."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog
import time_machine
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.jobs import enqueue, job
from imatch.jobs.worker import run_until_idle
from tests.support.jobs import states_of

pytestmark = pytest.mark.both_databases

failures_left = 0
calls: list[str] = []


class ExpectedFailure(Exception):
    pass


@job("test_unlucky", attempts=3, first_delay_seconds=20)
def fail_sometimes(word: str) -> None:
    global failures_left  # noqa: PLW0603 -- counts down to success
    calls.append(word)
    if failures_left:
        failures_left -= 1
        raise ExpectedFailure("a secret of ada@example.org")


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now(), tick=True) as traveller:
        yield traveller


def _fail(times: int) -> None:
    global failures_left  # noqa: PLW0603 -- counts down to success
    failures_left = times


def test_the_second_attempt_is_delayed_and_succeeds(
    db: Session, clock: time_machine.Traveller
) -> None:
    _fail(1)
    enqueue(db, fail_sometimes, "hello")
    run_until_idle()
    assert (calls, states_of(fail_sometimes)["DELAYED"]) == (["hello"], 1)

    run_until_idle()
    assert calls == ["hello"]

    clock.shift(timedelta(seconds=21))
    run_until_idle()
    assert calls == ["hello", "hello"]
    assert states_of(fail_sometimes) == {"SUCCESS": 2}


def test_after_the_last_attempt_the_job_stays_failed(
    db: Session, clock: time_machine.Traveller
) -> None:
    _fail(99)
    enqueue(db, fail_sometimes, "hello")
    for _ in range(5):
        run_until_idle()
        clock.shift(timedelta(hours=2))
    assert calls == ["hello"] * 3
    assert states_of(fail_sometimes) == {"SUCCESS": 2, "ERROR": 1}


def test_the_delay_grows_up_to_an_hour() -> None:
    assert [fail_sometimes.delay_seconds(attempt) for attempt in (1, 2, 3, 9)] == [
        20,
        60,
        180,
        3600,
    ]


def test_the_log_names_the_place_but_not_the_message(sqlite_bound: Session) -> None:
    _fail(1)
    enqueue(sqlite_bound, fail_sometimes, "hello")
    with structlog.testing.capture_logs() as lines:
        run_until_idle()
    failed = [line for line in lines if line["event"] == "job_failed"]
    assert [(line["job"], line["error"], line["attempt"]) for line in failed] == [
        ("test_unlucky", "ExpectedFailure", 1)
    ]
    assert "test_retry.py" in failed[0]["at"]
    assert "ada@" not in repr(lines)
