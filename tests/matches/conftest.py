"""Browsers that hold a need, and advisors to answer it with."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imatch.needs.deps import COOKIE
from tests.factories import Make
from tests.matches.browsing import Browse


@pytest.fixture
def browse(app: FastAPI) -> Iterator[Browse]:
    """A browser of its own that holds the need of a token."""
    opened: list[TestClient] = []

    def browser(token: str) -> TestClient:
        client = TestClient(app, base_url="http://127.0.0.1:8401", cookies={COOKIE: token})
        opened.append(client)
        return client

    yield browser
    for client in opened:
        client.close()


@pytest.fixture
def three(make: Make) -> list[str]:
    return make.three_advisors()


@pytest.fixture
def many(make: Make) -> None:
    """Fourteen advisors, of whom the last one sails."""
    for number in range(14):
        make.provider(
            slug=f"advisor-{number}",
            profile={
                "display_name": f"Advisor {number}",
                "bio": f"Number {number}." + (" I sail a boat." if number == 13 else ""),
                "years_experience": number,
            },
        )
