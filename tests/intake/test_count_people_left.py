"""The live count on every question, and relaxing a rule in one tap."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.needs.models import Need
from tests.factories import Make
from tests.factories.needs import FIRST_PAGE

ADVISORS = "/find/financial_advisors"
IN_PERSON = {"format": "in_person", "importance.format": "must"}


@pytest.fixture(autouse=True)
def _up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look is a fresh one: how soon a count follows a change is test_index's question."""
    monkeypatch.setattr("imatch.matches.pool.live.REFRESH_INTERVAL_SECONDS", 0)


def importance(db: Session) -> dict[str, str]:
    db.rollback()
    found: dict[str, str] = db.scalars(select(Need)).one().answers["importance"]
    return found


def advisors(make: Make) -> None:
    make.provider()
    make.provider(profile={"formats": ["remote"]})
    make.provider(profile={"formats": ["remote"], "languages": ["es"]})


def test_the_count_stands_on_the_page_without_scripts(client: TestClient, make: Make) -> None:
    advisors(make)
    assert "3 left" not in client.get(f"{ADVISORS}/1").text
    page = client.post(f"{ADVISORS}/1", data=FIRST_PAGE).text
    assert "3 left" in page


def test_the_count_follows_the_form_and_keeps_nothing(
    client: TestClient, make: Make, db: Session
) -> None:
    advisors(make)
    client.post(f"{ADVISORS}/1", data=FIRST_PAGE)
    counted = client.post(f"{ADVISORS}/2/count", data=IN_PERSON)
    assert counted.status_code == 200
    assert "1 left" in counted.text
    assert "Meets the way you want" in counted.text
    assert "leaves out 2" in counted.text
    assert "<html" not in counted.text
    assert importance(db) == {}
    half_typed = client.post(f"{ADVISORS}/3/count", data={"budget.min": "1x"})
    assert "3 left" in half_typed.text


def test_a_must_is_relaxed_in_one_tap(client: TestClient, make: Make, db: Session) -> None:
    advisors(make)
    client.post(f"{ADVISORS}/1", data=FIRST_PAGE)
    page = client.post(f"{ADVISORS}/2/relax", data={**IN_PERSON, "relax": "format"})
    assert page.url.path == f"{ADVISORS}/2"
    assert importance(db) == {"format": "prefer"}
    assert "3 left" in page.text


def test_a_plain_requirement_is_relaxed_and_applied_again(
    client: TestClient, make: Make, db: Session
) -> None:
    advisors(make)
    client.post(f"{ADVISORS}/1", data=FIRST_PAGE)
    spanish = {"languages": ["es"]}
    assert "1 left" in client.post(f"{ADVISORS}/2/count", data=spanish).text
    page = client.post(f"{ADVISORS}/2/relax", data={**spanish, "relax": "languages"}).text
    assert "3 left" in page
    assert re.search(r'name="relaxed"\s+value="languages" checked', page)
    client.post(f"{ADVISORS}/2", data={**spanish, "relaxed": "languages"})
    assert importance(db) == {"languages": "ignore"}
    client.post(f"{ADVISORS}/2", data=spanish)
    assert importance(db) == {}


def test_rules_of_law_and_rules_of_nobody_are_not_relaxed(
    client: TestClient, make: Make, db: Session
) -> None:
    make.provider(profile={"regions": ["NY"]})
    client.post(f"{ADVISORS}/1", data=FIRST_PAGE)
    texas = {"place.region": "TX", "place.country": "US"}
    page = client.post(f"{ADVISORS}/2", data=texas).text
    assert "Registered in your state" in page
    assert 'value="registered_in_state"' not in page
    for rule in ("registered_in_state", "has_room", "nonsense", ""):
        ohio = {"place.region": "OH", "place.country": "US", "relax": rule}
        response = client.post(f"{ADVISORS}/2/relax", data=ohio)
        assert response.status_code == 422
    assert importance(db) == {}
    assert db.scalars(select(Need)).one().answers["values"]["place"]["region"] == "TX"


def test_a_rule_of_nobody_begins_no_need(client: TestClient, db: Session) -> None:
    response = client.post(f"{ADVISORS}/1/relax", data={**FIRST_PAGE, "relax": "nonsense"})
    assert response.status_code == 422
    assert db.scalars(select(Need)).all() == []


def test_relaxing_with_a_wrong_answer_shows_the_answer(client: TestClient, db: Session) -> None:
    response = client.post(
        f"{ADVISORS}/3/relax", data={"budget.min": "-1", "budget.unit": "hour", "relax": "budget"}
    )
    assert response.status_code == 422
    assert 'href="#budget.min"' in response.text
    assert db.scalars(select(Need)).all() == []
