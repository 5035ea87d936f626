"""Needs as JSON."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.events import listen
from imatch.facts.marketplace import NeedCompleted
from imatch.needs.models import Need
from tests.make import Make

NEED = {
    "category": "financial_advisors",
    "values": {
        "needs_description": "Shares vest in May.",
        "needs": ["tax"],
        "budget": {"min_cents": None, "max_cents": 3_000_000, "unit": "year"},
    },
    "importance": {"budget": "must"},
}


def test_a_need_is_handed_in_read_and_taken_away(client: TestClient, db: Session) -> None:
    heard: list[NeedCompleted] = []
    listen(NeedCompleted, lambda _db, fact: heard.append(fact))
    created = client.post("/api/v1/needs", json=NEED)
    assert created.status_code == 201
    body = created.json()
    assert body["status"] == "complete"
    assert body["completed_at"] is not None
    assert heard[-1] == NeedCompleted(body["id"], "financial_advisors")
    path, token = f"/api/v1/needs/{body['id']}", {"X-Need-Token": body["token"]}
    read = client.get(path, headers=token)
    assert read.json()["values"] == NEED["values"]
    assert read.json()["importance"] == NEED["importance"]
    assert "token" not in read.json()
    for headers in ({}, {"X-Need-Token": "guess"}):
        assert client.get(path, headers=headers).status_code == 404
        assert client.delete(path, headers=headers).status_code == 404
    assert client.delete(path, headers=token).status_code == 204
    assert client.get(path, headers=token).status_code == 404
    assert db.scalars(select(Need)).all() == []


def test_one_needs_token_opens_no_other(client: TestClient) -> None:
    first, second = (client.post("/api/v1/needs", json=NEED).json() for _ in range(2))
    headers = {"X-Need-Token": first["token"]}
    assert client.get(f"/api/v1/needs/{second['id']}", headers=headers).status_code == 404


def test_an_accounts_need_is_read_by_that_account(
    client: TestClient, sign_in: Callable[[User], TestClient], make: Make
) -> None:
    browser = sign_in(make.user())
    body = browser.post("/api/v1/needs", json=NEED).json()
    path = f"/api/v1/needs/{body['id']}"
    assert browser.get(path).status_code == 200
    sign_in(make.user())
    assert client.get(path, headers={"X-Need-Token": body["token"]}).status_code == 404
    client.cookies.clear()
    assert client.get(path, headers={"X-Need-Token": body["token"]}).status_code == 404


def test_a_need_in_danger_is_told_who_helps(client: TestClient, make: Make, db: Session) -> None:
    make.category("therapists")
    values = {
        "safety": True,
        "needs_description": "Please.",
        "age_group": "adult",
        "session_type": "individual",
        "place": {"country": "US", "region": "CA"},
    }
    response = client.post("/api/v1/needs", json={"category": "therapists", "values": values})
    assert response.status_code == 409
    assert response.json()["code"] == "safety_screen"
    assert "988" in response.json()["detail"]
    assert db.scalars(select(Need)).all() == []


def test_odd_ids_are_not_found_or_invalid(client: TestClient) -> None:
    for odd in ("0", "-1", "x", str(2**63), str(10**30)):
        assert client.get(f"/api/v1/needs/{odd}").status_code in {404, 422}
    assert client.get(f"/api/v1/needs/{2**63 - 1}").status_code == 404
