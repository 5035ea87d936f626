"""Needs without a user are rate-limited by network."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.app import create_app
from imatch.core.clock import now
from imatch.needs.models import Need
from imatch.needs.service import NEEDS_PER_NETWORK
from tests.factories import Make
from tests.factories.needs import ADVISOR_NEED_JSON, FIRST_PAGE
from tests.support.clients import SignIn

PAGE = "/find/financial_advisors/1"
API = "/api/v1/needs"


@pytest.fixture
def limited(client: TestClient) -> TestClient:
    """A client whose network reached the limit, by pages, restarts and the API."""
    for _ in range(NEEDS_PER_NETWORK.tries // 3):
        client.cookies.clear()
        assert client.post(PAGE, data=FIRST_PAGE, follow_redirects=False).status_code == 303
        restarted = client.post("/find/financial_advisors/start", follow_redirects=False)
        assert restarted.status_code == 303
        assert client.post(API, json=ADVISOR_NEED_JSON).status_code == 201
    client.cookies.clear()
    return client


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[TestClient]:
    with TestClient(create_app(), client=("203.0.113.7", 50_000)) as client:
        yield client


def _need_count(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Need)) or 0


@pytest.mark.both_databases
def test_a_network_above_the_limit_gets_429(
    limited: TestClient, elsewhere: TestClient, db: Session
) -> None:
    assert _need_count(db) == NEEDS_PER_NETWORK.tries
    refusals = [
        limited.post(PAGE, data=FIRST_PAGE),
        limited.post("/find/financial_advisors/start"),
        limited.post(f"{PAGE}/relax", data={**FIRST_PAGE, "relax": "needs"}),
        limited.post(API, json=ADVISOR_NEED_JSON),
    ]
    for refused in refusals:
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= NEEDS_PER_NETWORK.window.total_seconds()
        assert "Too many searches were begun from your network" in refused.text
    assert refusals[-1].json()["code"] == "too_many_needs"
    assert _need_count(db) == NEEDS_PER_NETWORK.tries
    assert elsewhere.post(API, json=ADVISOR_NEED_JSON).status_code == 201
    with time_machine.travel(now() + NEEDS_PER_NETWORK.window + timedelta(seconds=1)):
        assert limited.post(API, json=ADVISOR_NEED_JSON).status_code == 201


def test_signed_in_users_are_not_limited(limited: TestClient, sign_in: SignIn, make: Make) -> None:
    assert sign_in(make.user()).post(API, json=ADVISOR_NEED_JSON).status_code == 201


def test_started_needs_can_be_answered_above_the_limit(begun: TestClient, db: Session) -> None:
    cookies = dict(begun.cookies)
    for _ in range(NEEDS_PER_NETWORK.tries - 1):
        assert begun.post(API, json=ADVISOR_NEED_JSON).status_code == 201
    assert begun.post(API, json=ADVISOR_NEED_JSON).status_code == 429
    begun.cookies.update(cookies)
    response = begun.post("/find/financial_advisors/2", data={}, follow_redirects=False)
    assert response.status_code == 303


def test_refused_needs_do_not_count(client: TestClient) -> None:
    for _ in range(NEEDS_PER_NETWORK.tries + 1):
        assert (
            client.post(
                API, json={**ADVISOR_NEED_JSON, "values": {"needs": ["nonsense"]}}
            ).status_code
            == 422
        )
    assert client.post(API, json=ADVISOR_NEED_JSON).status_code == 201
