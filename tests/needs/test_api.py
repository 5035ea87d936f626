"""The JSON API of needs."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.core.events import listen
from imatch.facts.marketplace import NeedCompleted
from imatch.needs.models import Need
from tests.factories import Make
from tests.support.clients import SignIn

NEED = {
    "category": "financial_advisors",
    "values": {
        "needs_description": "Shares vest in May.",
        "needs": ["tax"],
        "budget": {"min_cents": None, "max_cents": 3_000_000, "unit": "year"},
    },
    "importance": {"budget": "must"},
}


def test_create_read_and_delete_a_need(client: TestClient, db: Session) -> None:
    facts: list[NeedCompleted] = []
    listen(NeedCompleted, lambda _db, fact: facts.append(fact))
    created = client.post("/api/v1/needs", json=NEED)
    assert created.status_code == 201
    body = created.json()
    assert body["status"] == "complete"
    assert body["completed_at"] is not None
    assert facts[-1] == NeedCompleted(body["id"], "financial_advisors")
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


def test_a_token_opens_only_its_need(client: TestClient) -> None:
    first, second = (client.post("/api/v1/needs", json=NEED).json() for _ in range(2))
    headers = {"X-Need-Token": first["token"]}
    assert client.get(f"/api/v1/needs/{second['id']}", headers=headers).status_code == 404


def test_an_owned_need_is_readable_by_its_owner_only(
    client: TestClient, sign_in: SignIn, make: Make
) -> None:
    browser = sign_in(make.user())
    body = browser.post("/api/v1/needs", json=NEED).json()
    path = f"/api/v1/needs/{body['id']}"
    assert browser.get(path).status_code == 200
    sign_in(make.user())
    assert client.get(path, headers={"X-Need-Token": body["token"]}).status_code == 404
    client.cookies.clear()
    assert client.get(path, headers={"X-Need-Token": body["token"]}).status_code == 404


def test_a_safety_stop_returns_emergency_contacts(
    client: TestClient, make: Make, db: Session
) -> None:
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


def test_unknown_and_invalid_ids_are_refused(client: TestClient) -> None:
    for need_id in ("0", "-1", "x", str(2**63), str(10**30)):
        assert client.get(f"/api/v1/needs/{need_id}").status_code in {404, 422}
    assert client.get(f"/api/v1/needs/{2**63 - 1}").status_code == 404
