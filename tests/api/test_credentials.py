"""Keys and tokens: looked up by hash, told apart by nothing, and never written anywhere."""

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.service import api_keys
from imatch.core.columns import Base
from imatch.core.database import engine
from imatch.core.security import token_hash
from tests.factories import Make

API = "/api/v1"
ODD = ["", " ", "x" * 20_000, "\x7f", "imk_", "ünïcödé", "' OR 1=1 --", "a b c"]


@pytest.fixture
def key(make: Make) -> str:
    return make.api_key(make.user()).key


@pytest.fixture
def looked_up() -> list[str]:
    """Everything that is sent to the database from now on."""
    sent: list[str] = []

    def keep(*execution: object) -> None:
        sent.append(str(execution[3]))

    event.listen(engine(), "before_cursor_execute", keep)
    return sent


def _everything_stored(db: Session) -> str:
    tables = Base.metadata.sorted_tables
    return str([db.execute(text(f"SELECT * FROM {table}")).all() for table in tables])  # noqa: S608 -- our names


def test_secrets_are_neither_stored_nor_logged_nor_looked_up_in_clear(
    client: TestClient,
    db: Session,
    key: str,
    make: Make,
    looked_up: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    need, token = make.need_and_token()
    bearer = {"Authorization": f"Bearer {key}"}
    assert client.get(f"{API}/me", headers=bearer).status_code == 200
    assert client.get(f"{API}/needs/{need.id}", headers={"X-Need-Token": token}).status_code == 200
    assert client.get(f"{API}/me", headers={"Authorization": f"Bearer {key}x"}).status_code == 401
    assert client.get("/nothing", headers={**bearer, "X-Need-Token": token}).status_code == 404
    logged = capsys.readouterr()
    for secret in (key, token):
        assert any(token_hash(secret) in sent for sent in looked_up)
        assert not any(secret in sent for sent in looked_up)
        assert secret not in logged.out + logged.err
        assert secret not in _everything_stored(db)


@pytest.mark.parametrize("odd", ODD)
def test_odd_credentials_open_nothing(client: TestClient, key: str, make: Make, odd: str) -> None:
    need = make.need()
    raw = odd.encode()
    for headers in (
        {b"Authorization": b"Bearer " + raw},
        {b"Authorization": raw},
        {b"Authorization": b"Basic " + key.encode()},
        {b"X-Need-Token": raw},
        {b"X-API-Key": key.encode()},
    ):
        assert client.get(f"{API}/me", headers=headers).status_code == 401
        refused = client.get(f"{API}/needs/{need.id}", headers=headers)
        assert refused.status_code in {401, 404}
        assert "Company shares" not in refused.text


def test_a_wrong_token_and_a_wrong_need_look_the_same(client: TestClient, make: Make) -> None:
    need, token = make.need_and_token()
    wrong = client.get(f"{API}/needs/{need.id}", headers={"X-Need-Token": f"{token}x"})
    missing = client.get(f"{API}/needs/{need.id + 1}", headers={"X-Need-Token": token})
    told = [
        {name: value for name, value in answer.json().items() if name != "request_id"}
        for answer in (wrong, missing)
    ]
    assert told[0] == told[1]


def test_keys_open_no_pages(client: TestClient, key: str) -> None:
    bearer = {"Authorization": f"Bearer {key}"}
    page = client.get("/account", headers=bearer, follow_redirects=False)
    assert page.headers["location"].startswith("/sign-in")


def test_a_revoked_key_is_refused_where_none_is_needed(
    client: TestClient, make: Make, db: Session
) -> None:
    user = make.user()
    made = make.api_key(user)
    bearer = {"Authorization": f"Bearer {made.key}"}
    assert client.get(f"{API}/categories", headers=bearer).status_code == 200
    api_keys.revoke(db, user, made.row.id)
    refused = client.get(f"{API}/categories", headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (401, "api_key_refused")
