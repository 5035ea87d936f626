"""Needs are readable only by their owners, and answers are encrypted and not logged."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.needs import queries, service
from imatch.needs.models import Need
from tests.factories import Make
from tests.factories.needs import FIRST_PAGE
from tests.support.clients import SignIn

MARKER = "zebra-ocarina-41907"
MARKED_PAGES: dict[int, dict[str, Any]] = {
    1: {"safety": "no"},
    2: {"needs_description": f"My {MARKER} keeps me awake.", "needs": ["sleep"]},
    3: {
        "age_group": "adult",
        "session_type": "individual",
        "place.city": f"City {MARKER}",
        "place.region": "CA",
        "place.country": "US",
    },
}


def walk_and_save(client: TestClient) -> None:
    for number, data in MARKED_PAGES.items():
        client.post(f"/find/therapists/{number}", data=data)
        client.post(f"/find/therapists/{number}/count", data=data)
    client.post("/find/therapists/3", data={"place.city": MARKER, "place.country": f"{MARKER}!"})
    client.get("/find/therapists/check")
    client.post("/find/save")
    client.post("/find/save/mail", data={"email": f"{MARKER}@", "code": MARKER})
    client.post("/resume", data={"code": MARKER})
    client.get("/resume", params={"code": MARKER})
    client.post("/find/therapists/check", follow_redirects=False)


def test_answers_are_encrypted_and_not_logged(
    client: TestClient, make: Make, db: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    make.category("therapists")
    walk_and_save(client)
    need = db.scalars(select(Need)).one()
    assert need.status == "complete"
    assert MARKER in need.answers["values"]["needs_description"]
    out, err = capsys.readouterr()
    assert "/check" in out + err
    assert MARKER not in out + err
    stored = db.scalars(text("SELECT answers FROM seekers")).one()
    assert MARKER not in stored
    assert "sleep" not in stored


def test_answers_are_not_in_the_database_file(
    client: TestClient, make: Make, db: Session, database_url: str
) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("needs the database file; the column is tested above")
    make.category("therapists")
    walk_and_save(client)
    path = Path(database_url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
    files = [path, *path.parent.glob(f"{path.name}-*")]
    assert any(b"therapists" in file.read_bytes() for file in files)
    for file in files:
        assert MARKER.encode() not in file.read_bytes()


def test_another_browser_cannot_read_the_need(begun: TestClient, other_browser: TestClient) -> None:
    other_browser.cookies.set("imatch_need", "guess")
    assert other_browser.get("/find/financial_advisors/check").status_code == 404
    assert "Shares vest" not in other_browser.get("/find/financial_advisors/1").text
    other_browser.cookies.set("imatch_need", "")
    assert other_browser.get("/find/financial_advisors/check").status_code == 404


def test_each_category_has_its_own_need(begun: TestClient, make: Make, db: Session) -> None:
    make.category("career_coaches")
    page = begun.get("/find/career_coaches/1")
    assert "Shares vest" not in page.text
    begun.post("/find/career_coaches/1", data={"needs_description": "A new job."})
    values = [need.answers["values"] for need in db.scalars(select(Need).order_by(Need.id))]
    assert values[0] == FIRST_PAGE
    assert values[1]["needs_description"] == "A new job."


def test_pages_with_answers_are_not_cached(begun: TestClient) -> None:
    for path in ("/find/financial_advisors/1", "/find/financial_advisors/check", "/find/save"):
        assert begun.get(path).headers["cache-control"] == "no-store"


def test_a_signed_in_seeker_owns_the_need_on_every_device(
    client: TestClient, sign_in: SignIn, make: Make, db: Session
) -> None:
    user = make.user()
    sign_in(user).post("/find/financial_advisors/1", data=FIRST_PAGE)
    need = db.scalars(select(Need)).one()
    assert need.user_id == user.id
    client.cookies.delete("imatch_need")
    assert "Shares vest" in client.get("/find/financial_advisors/check").text
    assert "saved in your account" in client.get("/find/save").text
    assert client.post("/find/save").status_code == 200
    assert need.resume_code_hash is None


def test_the_next_answer_after_sign_in_assigns_the_need_to_the_user(
    begun: TestClient, sign_in: SignIn, make: Make, db: Session
) -> None:
    user = make.user()
    sign_in(user).post("/find/financial_advisors/2", data={"format": "either"})
    assert db.scalars(select(Need)).one().user_id == user.id


def test_a_claimed_need_opens_for_its_account_only(make: Make, db: Session) -> None:
    need, token = service.start(db, "financial_advisors")
    owner, other = make.user(), make.user()
    assert queries.current_need(db, token=token) is not None
    service.claim(db, need, owner)
    service.claim(db, need, owner)
    assert queries.current_need(db, token=token) is None
    assert queries.current_need(db, token=token, user=other) is None
    assert queries.current_need(db, user=owner) is need
    with pytest.raises(queries.NeedNotFound):
        service.claim(db, need, other)
    with pytest.raises(queries.NeedNotFound):
        queries.owned(db, need.id, token=token, user=other)
    assert queries.owned(db, need.id, token=None, user=owner) is need
