"""The clock is frozen inside `clock.frozen`, and only there."""

import threading
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import time_machine

from imatch.core import clock

MOMENT = datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_the_clock_is_frozen_inside_the_block_only() -> None:
    before = datetime.now(UTC)
    with clock.frozen(MOMENT):
        assert clock.now() == MOMENT
        assert clock.today() == date(2025, 3, 1)
        with clock.frozen(MOMENT + timedelta(days=1)):
            assert clock.today() == date(2025, 3, 2)
        assert clock.now() == MOMENT
    assert clock.now() >= before


def test_an_exception_unfreezes_the_clock() -> None:
    with pytest.raises(KeyError), clock.frozen(MOMENT):
        raise KeyError
    assert clock.now().year > MOMENT.year


def test_other_threads_are_not_frozen() -> None:
    seen: list[datetime] = []
    with clock.frozen(MOMENT):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen[0] > MOMENT


def test_moments_are_in_utc_and_never_naive() -> None:
    east = timezone(timedelta(hours=2))
    with clock.frozen(datetime(2025, 3, 1, 1, tzinfo=east)):
        assert clock.now().utcoffset() == timedelta(0)
        assert clock.today() == date(2025, 2, 28)
    with pytest.raises(ValueError, match="naive"), clock.frozen(datetime(2025, 3, 1)):  # noqa: DTZ001 -- refused
        pass


def test_time_machine_works_with_the_clock() -> None:
    with time_machine.travel(MOMENT, tick=False):
        assert clock.now() == MOMENT
