"""Browsers that hold a need, and waiting for the index to follow the database."""

import time
from collections.abc import Callable

from httpx2 import Response
from starlette.testclient import TestClient

from tests.factories.providers import ADVISORS

Browse = Callable[[str], TestClient]
WITHIN_SECONDS = 1.0


def look(browser: TestClient) -> Response:
    """Send the answers of the browser's need: people are found, stored and shown."""
    return browser.post(f"/find/{ADVISORS}/check")


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds within the second that the index has to follow the database."""
    deadline = time.perf_counter() + WITHIN_SECONDS
    while time.perf_counter() < deadline:
        if holds():
            return True
    return False
