"""Needs without an account are limited by network, so that nobody fills the database for fun."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.app import create_app
from imatch.core.clock import now
from imatch.needs.models import Need
from imatch.needs.service import NEEDS_PER_NETWORK
from tests.intake.conftest import FIRST_PAGE
from tests.make import Make
from tests.needs.test_api import NEED

PAGE = "/find/financial_advisors/1"
API = "/api/v1/needs"


@pytest.fixture
def busy(client: TestClient) -> TestClient:
    """A network that has begun as many needs as it may: in pages, anew, and as a program."""
    for _ in range(NEEDS_PER_NETWORK.tries // 3):
        client.cookies.clear()
        assert client.post(PAGE, data=FIRST_PAGE, follow_redirects=False).status_code == 303
        again = client.post("/find/financial_advisors/start", follow_redirects=False)
        assert again.status_code == 303
        assert client.post(API, json=NEED).status_code == 201
    client.cookies.clear()
    return client


@pytest.fixture
def elsewhere(database_url: str) -> Iterator[TestClient]:
    with TestClient(create_app(), client=("203.0.113.7", 50_000)) as other_network:
        yield other_network


def _needs(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(Need)) or 0


def test_a_network_that_begins_too_many_needs_is_asked_to_wait(
    busy: TestClient, elsewhere: TestClient, db: Session
) -> None:
    assert _needs(db) == NEEDS_PER_NETWORK.tries
    refusals = [
        busy.post(PAGE, data=FIRST_PAGE),
        busy.post("/find/financial_advisors/start"),
        busy.post(f"{PAGE}/relax", data={**FIRST_PAGE, "relax": "needs"}),
        busy.post(API, json=NEED),
    ]
    for refused in refusals:
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= NEEDS_PER_NETWORK.window.total_seconds()
        assert "Too many searches were begun from your network" in refused.text
    assert refusals[-1].json()["code"] == "too_many_needs"
    assert _needs(db) == NEEDS_PER_NETWORK.tries
    assert elsewhere.post(API, json=NEED).status_code == 201
    with time_machine.travel(now() + NEEDS_PER_NETWORK.window + timedelta(seconds=1)):
        assert busy.post(API, json=NEED).status_code == 201


def test_an_account_goes_on_where_its_network_may_not(
    busy: TestClient, sign_in: Callable[[User], TestClient], make: Make
) -> None:
    assert sign_in(make.user()).post(API, json=NEED).status_code == 201


def test_who_has_begun_goes_on_answering(begun: TestClient, db: Session) -> None:
    cookies = dict(begun.cookies)
    for _ in range(NEEDS_PER_NETWORK.tries - 1):
        assert begun.post(API, json=NEED).status_code == 201
    assert begun.post(API, json=NEED).status_code == 429
    begun.cookies.update(cookies)
    answered = begun.post("/find/financial_advisors/2", data={}, follow_redirects=False)
    assert answered.status_code == 303


def test_answers_that_are_wrong_do_not_count(client: TestClient) -> None:
    for _ in range(NEEDS_PER_NETWORK.tries + 1):
        assert client.post(API, json={**NEED, "values": {"needs": ["nonsense"]}}).status_code == 422
    assert client.post(API, json=NEED).status_code == 201
