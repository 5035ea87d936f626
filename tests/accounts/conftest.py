"""Ada, the links that she is sent, and a clock."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from imatch.accounts.models import User
from tests.accounts.signing_up import LinkTo
from tests.factories import Make
from tests.support.letters import Letters

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Freeze the time at NOON; `clock.shift(seconds)` moves it."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def link_to(letters: Letters) -> LinkTo:
    """The path (and query) of the link in the last message to an address."""

    def path(address: str) -> str:
        link = re.search(r"http://127\.0\.0\.1:8401(/\S+)", letters(address)[-1].text)
        assert link
        return link[1]

    return path


@pytest.fixture
def ada(make: Make) -> User:
    return make.ada()
