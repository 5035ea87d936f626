"""Tries are counted by subject and window, for all processes together."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.throttling.models import SignInAttempt
from imatch.throttling.rules import TRY_RETENTION, TryLimit, network_of
from imatch.throttling.service import TooManyTries, admit, forgive

pytestmark = pytest.mark.both_databases
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LIMIT = TryLimit("test", tries=3, window=timedelta(minutes=15))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def counted(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(SignInAttempt)) or 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_tries_are_counted_by_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_who_tried_too_often_waits_until_the_first_try_is_old(
    db: Session, clock: time_machine.Traveller
) -> None:
    for _ in range(LIMIT.tries):
        admit(db, (LIMIT, "ada"))
        clock.shift(timedelta(minutes=1))
    with pytest.raises(TooManyTries) as refusal:
        admit(db, (LIMIT, "ada"))
    assert refusal.value.retry_after_seconds == 12 * 60 + 1
    admit(db, (LIMIT, "bo"))
    clock.shift(timedelta(minutes=12, seconds=1))
    admit(db, (LIMIT, "ada"))


def test_a_refused_try_does_not_count(db: Session, clock: time_machine.Traveller) -> None:
    for _ in range(LIMIT.tries):
        admit(db, (LIMIT, "ada"))
    for _ in range(5):
        with pytest.raises(TooManyTries):
            admit(db, (LIMIT, "ada"))
    assert counted(db) == LIMIT.tries


def test_a_try_that_succeeded_does_not_count(db: Session, clock: time_machine.Traveller) -> None:
    for _ in range(2 * LIMIT.tries):
        forgive(db, admit(db, (LIMIT, "ada")))
    assert counted(db) == 0


def test_old_tries_are_forgotten(db: Session, clock: time_machine.Traveller) -> None:
    admit(db, (LIMIT, "ada"))
    clock.shift(TRY_RETENTION + timedelta(seconds=1))
    admit(db, (LIMIT, "bo"))
    assert counted(db) == 1


def test_at_the_same_moment_no_more_are_admitted_than_may_try(
    db: Session, new_session: Callable[[], Session]
) -> None:
    together = Barrier(8)

    def attempt(_number: int) -> bool:
        with new_session() as session:
            together.wait()
            try:
                admit(session, (LIMIT, "ada"))
            except TooManyTries:
                return False
            return True

    with ThreadPoolExecutor(together.parties) as pool:
        admitted = list(pool.map(attempt, range(together.parties)))
    assert sum(admitted) <= LIMIT.tries
