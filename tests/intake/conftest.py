"""Answers that advisors' seekers give, page by page, as a browser posts them."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

FIRST_PAGE = {"needs_description": "Shares vest in May. What about tax?", "needs": ["tax"]}


@pytest.fixture
def other_browser(app: FastAPI) -> Iterator[TestClient]:
    """Another person's browser, or the same person's on another device."""
    with TestClient(app, base_url="http://127.0.0.1:8401") as client:
        yield client


@pytest.fixture
def begun(client: TestClient) -> TestClient:
    """A browser that has answered the first question."""
    client.post("/find/financial_advisors/1", data=FIRST_PAGE)
    return client
