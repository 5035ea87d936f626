"""Needs, browsers with the cookie of a need, and providers."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.needs import service as seekers
from imatch.needs.deps import COOKIE
from imatch.needs.models import Need
from tests.make import Make

ADVISORS = "financial_advisors"
BASE_URL = "http://127.0.0.1:8401"
WITHIN_SECONDS = 1.0

VALUES: dict[str, Any] = {
    "needs_description": "Company shares vest in May and I want to plan retirement and taxes.",
    "needs": ["retirement", "tax"],
    "format": "remote",
    "place": {"country": "US", "region": "CA", "city": "Oakland"},
    "budget": {"min_cents": None, "max_cents": 30_000, "unit": "session"},
    "values": ["integrity"],
    "style": {"lead": -1, "evidence": -2},
}

Ask = Callable[..., tuple[Need, str]]
Browse = Callable[[str], TestClient]


@pytest.fixture
def ask(db: Session) -> Ask:
    """Makes a complete need and its token; keywords replace answers."""

    def submit(importance: dict[str, str] | None = None, **values: Any) -> tuple[Need, str]:  # noqa: ANN401
        return seekers.submit(db, ADVISORS, {**VALUES, **values}, importance or {})

    return submit


@pytest.fixture
def browse(app: FastAPI) -> Iterator[Browse]:
    """Makes a browser with the cookie of a need's token."""
    opened: list[TestClient] = []

    def browser(token: str) -> TestClient:
        client = TestClient(app, base_url=BASE_URL, cookies={COOKIE: token})
        opened.append(client)
        return client

    yield browser
    for client in opened:
        client.close()


def look(browser: TestClient) -> Response:
    """Send the answers of the browser's need: people are found, stored and shown."""
    return browser.post(f"/find/{ADVISORS}/check")


@pytest.fixture
def three(make: Make) -> list[str]:
    """The names of three different advisors."""
    names = ["Ada Example", "Ben Example", "Cora Example"]
    for index, name in enumerate(names):
        make.provider(
            slug=name.split()[0].lower(),
            profile={
                "display_name": name,
                "specialties": ["retirement", "tax", "debt"][: 3 - index],
                "price": {"min_cents": 20_000, "max_cents": 25_000, "unit": "session"},
            },
        )
    return names


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition becomes true within a second, the limit for a pool's refresh."""
    deadline = time.perf_counter() + WITHIN_SECONDS
    while time.perf_counter() < deadline:
        if condition():
            return True
    return False
