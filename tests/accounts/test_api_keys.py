"""API keys: create, show once, use under /api/ only, list and revoke."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import ApiKey, User
from imatch.accounts.rules import API_KEYS_MAX
from imatch.accounts.service import api_keys
from imatch.core.clock import now
from imatch.core.database import atomic
from tests.factories import Make
from tests.factories.accounts import ADA
from tests.support.clients import SignIn

KEYS = "/api/v1/me/api-keys"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_create_use_list_and_revoke(sign_in: SignIn, ada: User, db: Session) -> None:
    client = sign_in(ada)
    created = client.post(KEYS, json={"name": " Nightly  export "})
    assert created.status_code == 201
    key = created.json()["key"]
    assert key.startswith("imk_")
    assert created.json()["name"] == "Nightly export"
    stored = db.scalars(select(ApiKey)).one()
    assert key not in (stored.key_hash, stored.prefix)
    assert key.startswith(stored.prefix)

    client.cookies.clear()
    assert client.get("/api/v1/me", headers=bearer(key)).json()["email"] == ADA
    listed = client.get(KEYS, headers=bearer(key)).json()["items"]
    assert [item["prefix"] for item in listed] == [stored.prefix]
    assert "key" not in listed[0]

    assert sign_in(ada).delete(f"{KEYS}/{stored.id}").status_code == 204
    assert client.delete(f"{KEYS}/{stored.id}").status_code == 404
    client.cookies.clear()
    refused = client.get("/api/v1/me", headers=bearer(key))
    assert refused.status_code == 401
    assert refused.json()["code"] == "api_key_refused"
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_key_neither_opens_pages_nor_creates_keys(
    make: Make, client: TestClient, ada: User, db: Session
) -> None:
    key = make.api_key(ada).key
    assert client.get("/account", headers=bearer(key)).url.path == "/sign-in"
    refused = client.post(KEYS, headers=bearer(key), json={"name": "another"})
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")
    assert client.delete(f"{KEYS}/1", headers=bearer(key)).status_code == 403


@pytest.mark.parametrize(
    "header", ["Bearer imk_wrong", "Bearer ", "bearer x", "Basic YTpi", "imk_x", "Bearer \xe9"]
)
def test_invalid_authorization_headers_are_refused(
    client: TestClient, database_url: str, header: str
) -> None:
    answer = client.get("/api/v1/me", headers=[(b"Authorization", header.encode("latin-1"))])
    assert answer.status_code == 401


def test_an_invalid_key_is_refused_even_with_a_valid_cookie(sign_in: SignIn, ada: User) -> None:
    assert sign_in(ada).get("/api/v1/me", headers=bearer("imk_wrong")).status_code == 401


def test_keys_of_other_users_are_not_found(
    sign_in: SignIn, ada: User, db: Session, make: Make
) -> None:
    foreign = make.api_key(make.user()).row.id
    client = sign_in(ada)
    assert client.delete(f"{KEYS}/{foreign}").status_code == 404
    assert client.post(f"/account/api-keys/{foreign}/revoke").status_code == 404
    assert client.get(KEYS).json()["items"] == []
    with atomic(db):
        assert db.get_one(ApiKey, foreign, populate_existing=True).revoked_at is None


def test_the_page_shows_a_new_key_once(sign_in: SignIn, ada: User, db: Session) -> None:
    client = sign_in(ada)
    page = client.post("/account/api-keys", data={"name": "Nightly <b>"})
    row = db.scalars(select(ApiKey)).one()
    assert page.text.count(row.prefix) == 2
    assert "Nightly &lt;b&gt;" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert client.get("/account/api-keys").text.count(row.prefix) == 1
    assert "None yet" in client.post(f"/account/api-keys/{row.id}/revoke").text


def test_a_key_needs_a_name(sign_in: SignIn, ada: User, db: Session) -> None:
    client = sign_in(ada)
    for name in ("", " ", "x" * 81, "a\x00b"):
        assert client.post("/account/api-keys", data={"name": name}).status_code == 422
        assert client.post(KEYS, json={"name": name}).status_code == 422
    assert client.post(KEYS, json={"name": "x", "user_id": 2}).status_code == 422
    assert db.scalars(select(ApiKey)).all() == []


def test_the_number_of_keys_is_limited(db: Session, ada: User) -> None:
    rows = [api_keys.create(db, ada, name="key").row for _ in range(API_KEYS_MAX)]
    with pytest.raises(api_keys.TooManyApiKeys):
        api_keys.create(db, ada, name="key")
    api_keys.revoke(db, ada, rows[0].id)
    api_keys.create(db, ada, name="key")


def test_keys_of_a_closed_account_are_refused(
    make: Make, client: TestClient, ada: User, db: Session
) -> None:
    key = make.api_key(ada).key
    with atomic(db):
        ada.active = False
    assert client.get("/api/v1/me", headers=bearer(key)).status_code == 401


def test_last_use_is_recorded_every_few_minutes(
    make: Make, db: Session, ada: User, clock: time_machine.Traveller
) -> None:
    new_key = make.api_key(ada)
    start = now()
    for seconds, recorded_seconds in ((0, 0), (299, 0), (1, 300)):
        clock.shift(timedelta(seconds=seconds))
        api_keys.owner(db, new_key.key)
        assert new_key.row.last_used_at == start + timedelta(seconds=recorded_seconds)
