"""The finding walk in a browser without JavaScript."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.categories.catalog import definition
from imatch.core.database import atomic
from imatch.needs.models import Need, NeedStatus
from tests.factories import Make
from tests.factories.needs import FIRST_PAGE

ADVISORS = "/find/financial_advisors"
PAGES = len(definition("financial_advisors").intake)


def need(db: Session) -> Need:
    """The only need there is, as the database has it now."""
    db.rollback()
    return db.scalars(select(Need)).one()


def answers(db: Session) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = need(db).answers
    return found


def test_the_door_leads_to_the_first_question_and_makes_nothing(
    client: TestClient, db: Session
) -> None:
    response = client.get("/find", params={"category": "financial_advisors"})
    assert response.url.path == f"{ADVISORS}/1"
    assert "What do you need help with?" in response.text
    assert f"Question 1 of {PAGES}" in response.text
    assert db.scalars(select(Need)).all() == []


def test_the_first_answer_begins_a_need_and_goes_on(client: TestClient, db: Session) -> None:
    response = client.post(f"{ADVISORS}/1", data=FIRST_PAGE, follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == f"{ADVISORS}/2"
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    begun = need(db)
    assert begun.status == NeedStatus.DRAFT
    assert begun.answers["values"] == FIRST_PAGE
    assert begun.token_hash not in cookie


def test_every_page_can_be_walked_skipped_and_finished(begun: TestClient, db: Session) -> None:
    for number in range(2, PAGES + 1):
        page = begun.get(f"{ADVISORS}/{number}")
        assert page.status_code == 200
        assert f"Question {number} of {PAGES}" in page.text
        following = "check" if number == PAGES else str(number + 1)
        assert f'href="{ADVISORS}/{following}">Skip</a>' in page.text
    response = begun.post(f"{ADVISORS}/check", follow_redirects=False)
    assert response.headers["location"] == "/matches"
    finished = need(db)
    assert finished.status == NeedStatus.COMPLETE
    assert finished.completed_at is not None


def test_a_question_that_is_needed_cannot_be_skipped(client: TestClient) -> None:
    assert "Skip</a>" not in client.get(f"{ADVISORS}/1").text


def test_all_kinds_of_answers_are_kept_and_shown_again(begun: TestClient, db: Session) -> None:
    begun.post(
        f"{ADVISORS}/2",
        data={
            "format": "in_person",
            "importance.format": "must",
            "place.city": "Oakland",
            "place.region": "California",
            "place.country": "US",
            "languages": ["en", "es"],
            "windows": ["wed_morning", "tue_evening"],
        },
    )
    begun.post(
        f"{ADVISORS}/3",
        data={"budget.min": "15k", "budget.max": "$30,000", "budget.unit": "year"},
    )
    begun.post(f"{ADVISORS}/4", data={"risk": "3"})
    begun.post(f"{ADVISORS}/5", data={"importance.fiduciary_required": "must"})
    begun.post(f"{ADVISORS}/6", data={"style.lead": "-2", "style.tone": "", "values": "integrity"})
    held = answers(db)
    assert held["values"] == {
        **FIRST_PAGE,
        "format": "in_person",
        "place": {"city": "Oakland", "region": "CA", "country": "US"},
        "languages": ["en", "es"],
        "windows": ["tue_evening", "wed_morning"],
        "budget": {"min_cents": 1_500_000, "max_cents": 3_000_000, "unit": "year"},
        "risk": 3,
        "fiduciary_required": True,
        "style": {"lead": -2},
        "values": ["integrity"],
    }
    assert held["importance"]["format"] == "must"
    assert held["importance"]["fiduciary_required"] == "must"
    page = begun.get(f"{ADVISORS}/2").text
    assert re.search(r'value="tue_evening"[^>]* checked', page)
    assert re.search(r'value="in_person"[^>]* checked', page)
    assert 'value="Oakland"' in page
    page = begun.get(f"{ADVISORS}/3").text
    assert 'id="budget.min" name="budget.min"' in page
    assert 'value="15000"' in page
    page = begun.get(f"{ADVISORS}/5").text
    assert re.search(r'name="importance.fiduciary_required" value="must"[^>]* checked', page)
    page = begun.get(f"{ADVISORS}/check").text
    for words in ("$15,000 to $30,000 a year", "Oakland, CA", "Tue evening, Wed morning", "A must"):
        assert words in page


def test_a_state_says_its_country(begun: TestClient, db: Session) -> None:
    begun.post(f"{ADVISORS}/2", data={"place.region": "california", "place.country": ""})
    assert answers(db)["values"]["place"] == {"country": "US", "region": "CA"}


def test_an_emptied_page_takes_its_answers_back(begun: TestClient, db: Session) -> None:
    begun.post(f"{ADVISORS}/4", data={"risk": "3", "income": "i120"})
    begun.post(f"{ADVISORS}/4", data={"risk": "", "income": "i120"})
    assert answers(db)["values"] == {**FIRST_PAGE, "income": "i120"}


def test_wrong_answers_come_back_with_what_is_wrong(begun: TestClient, db: Session) -> None:
    before = answers(db)
    response = begun.post(
        f"{ADVISORS}/3",
        data={"budget.min": "-1", "budget.max": "lots & lots", "budget.unit": "year"},
    )
    assert response.status_code == 422
    assert '<a class="link-plain inline-block py-0.5" href="#budget.min">' in response.text
    assert "There is a problem" in response.text
    assert 'value="lots &amp; lots"' in response.text
    assert 'aria-invalid="true"' in response.text
    assert answers(db) == before


def test_a_first_page_that_is_wrong_begins_nothing(client: TestClient, db: Session) -> None:
    response = client.post(f"{ADVISORS}/1", data={"needs": "tax"})
    assert response.status_code == 422
    assert 'href="#needs_description"' in response.text
    assert "set-cookie" not in response.headers
    assert db.scalars(select(Need)).all() == []


def test_changing_from_the_check_page_leads_back_to_it(begun: TestClient) -> None:
    page = begun.get(f"{ADVISORS}/4?next=check")
    assert '<input type="hidden" name="next" value="check">' in page.text
    response = begun.post(
        f"{ADVISORS}/4", data={"risk": "2", "next": "check"}, follow_redirects=False
    )
    assert response.headers["location"] == f"{ADVISORS}/check"


def test_a_changed_answer_makes_a_completed_need_a_draft(begun: TestClient, db: Session) -> None:
    begun.post(f"{ADVISORS}/check", follow_redirects=False)
    begun.post(f"{ADVISORS}/1", data=FIRST_PAGE)
    assert need(db).status == NeedStatus.COMPLETE
    begun.post(f"{ADVISORS}/1", data={**FIRST_PAGE, "needs": ["debt"]})
    assert need(db).status == NeedStatus.DRAFT
    begun.post(f"{ADVISORS}/check", follow_redirects=False)
    assert need(db).status == NeedStatus.COMPLETE


def test_a_need_is_not_finished_without_what_is_needed(client: TestClient, db: Session) -> None:
    client.post(f"{ADVISORS}/4", data={"risk": "2"})
    response = client.post(f"{ADVISORS}/check")
    assert response.status_code == 422
    assert 'href="#needs_description"' in response.text
    assert 'id="needs_description"' in response.text
    assert need(db).status == NeedStatus.DRAFT


def test_the_check_page_without_answers_says_why(client: TestClient) -> None:
    response = client.get(f"{ADVISORS}/check")
    assert response.status_code == 404
    assert "There are no answers here yet" in response.text
    assert client.post(f"{ADVISORS}/check").status_code == 404


def test_starting_over_leaves_the_old_answers_alone(begun: TestClient, db: Session) -> None:
    assert "Start over" in begun.get(f"{ADVISORS}/1").text
    begun.post(f"{ADVISORS}/start")
    assert "Shares vest" not in begun.get(f"{ADVISORS}/1").text
    assert len(db.scalars(select(Need)).all()) == 2


def test_categories_that_are_not_open_say_so(client: TestClient, make: Make) -> None:
    unknown = client.get("/find", params={"category": "wizards"})
    assert unknown.status_code == 404
    assert "There is no category “wizards”" in unknown.text
    assert "/find/financial_advisors/1" in unknown.text
    make.category(active=False)
    for response in (
        client.get("/find", params={"category": "financial_advisors"}),
        client.get(f"{ADVISORS}/1"),
        client.post(f"{ADVISORS}/1", data=FIRST_PAGE),
    ):
        assert response.status_code == 404
        assert "is not open yet" in response.text
    assert "No category is open yet" in client.get("/find").text


def test_questions_that_do_not_exist_are_not_found(begun: TestClient) -> None:
    for number in ("0", "7", "99999999999999999999", "x", "-1"):
        assert begun.get(f"{ADVISORS}/{number}").status_code == 404
        assert begun.post(f"{ADVISORS}/{number}").status_code in {404, 405}


def test_the_home_page_lists_open_categories_only(client: TestClient, make: Make) -> None:
    assert 'value="financial_advisors"' in client.get("/").text
    make.category(active=False)
    assert "No category is open yet" in client.get("/").text


def test_an_answer_to_a_question_no_longer_asked_stops_nobody(
    client: TestClient, db: Session
) -> None:
    client.post(f"{ADVISORS}/1", data=FIRST_PAGE)
    held = need(db)
    with atomic(db):
        held.answers = {**held.answers, "values": {**held.answers["values"], "gone": "blue"}}
    finished = client.post(f"{ADVISORS}/check", follow_redirects=False)
    assert (finished.status_code, finished.headers["location"]) == (303, "/matches")
