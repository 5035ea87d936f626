"""Save a need without an account and resume it in another browser."""

import re
from datetime import UTC, datetime, timedelta

import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.core.settings import get_settings
from imatch.mail.models import MailMessage
from imatch.needs import resuming, service
from imatch.needs.models import Need
from tests.factories import Make

CODE = re.compile(r"\b[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}\b")


def save(browser: TestClient) -> str:
    code = CODE.search(browser.post("/find/save").text)
    assert code
    return code[0]


def test_a_code_resumes_the_need_in_another_browser(
    begun: TestClient, other_browser: TestClient, db: Session
) -> None:
    code = save(begun)
    assert db.scalars(select(Need.resume_code_hash)).one() != code
    response = other_browser.post("/resume", data={"code": code})
    assert response.url.path == "/find/financial_advisors/2"
    page = other_browser.get("/find/financial_advisors/1")
    assert "Shares vest in May." in page.text
    assert "Shares vest in May." not in begun.get("/find/financial_advisors/1").text
    typed = code.upper().replace("-", " ")
    assert begun.post("/resume", data={"code": typed}).url.path.endswith("/2")
    assert "Shares vest in May." in begun.get("/find/financial_advisors/1").text


def test_a_complete_need_resumes_at_its_matches(
    begun: TestClient, other_browser: TestClient
) -> None:
    code = save(begun)
    begun.post("/find/financial_advisors/check", follow_redirects=False)
    response = other_browser.post("/resume", data={"code": code}, follow_redirects=False)
    assert response.headers["location"] == "/matches"


def test_saving_is_offered_after_the_first_answers(client: TestClient) -> None:
    assert "/find/save" not in client.get("/find/financial_advisors/1").text
    assert "There is nothing to save yet" in client.get("/find/save").text
    assert CODE.search(client.post("/find/save").text) is None


def test_opening_the_save_page_creates_no_code(begun: TestClient, db: Session) -> None:
    assert "Show me a code" in begun.get("/find/save").text
    assert db.scalars(select(Need.resume_code_hash)).one() is None


def test_the_emailed_link_resumes_by_post(
    begun: TestClient, other_browser: TestClient, db: Session
) -> None:
    code = save(begun)
    page = begun.post("/find/save/mail", data={"email": "Sam@Example.org", "code": code})
    assert "sam@example.org" in page.text
    assert code in page.text
    message = db.scalars(select(MailMessage)).one()
    assert message.recipient == "sam@example.org"
    assert "vest" not in message.text
    assert "financial" not in message.text.lower()
    url = re.search(r"http://\S+", message.text)
    assert url
    link = url[0].removeprefix(get_settings().base_url)
    page_of_link = other_browser.get(link)
    assert "Open my answers" in page_of_link.text
    assert "imatch_need" not in other_browser.cookies
    assert other_browser.post("/resume", data={"code": code}).url.path.endswith("/2")


def test_an_invalid_address_keeps_code_and_input(begun: TestClient, db: Session) -> None:
    code = save(begun)
    page = begun.post("/find/save/mail", data={"email": "nonsense", "code": code})
    assert page.status_code == 422
    assert 'href="#email"' in page.text
    assert 'value="nonsense"' in page.text
    assert code in page.text
    assert db.scalars(select(MailMessage)).all() == []


def test_only_the_present_code_can_be_emailed(begun: TestClient, db: Session) -> None:
    old = save(begun)
    save(begun)
    for code in (old, "aaaa-bbbb-cccc", ""):
        response = begun.post("/find/save/mail", data={"email": "sam@example.org", "code": code})
        assert response.status_code == 410
    assert db.scalars(select(MailMessage)).all() == []


def test_an_expired_code_is_gone_and_an_unknown_one_not_found(
    begun: TestClient, other_browser: TestClient
) -> None:
    with time_machine.travel(datetime(2026, 6, 1, tzinfo=UTC), tick=False) as clock:
        code = save(begun)
        clock.shift(timedelta(days=get_settings().resume_days) - timedelta(seconds=1))
        assert other_browser.post("/resume", data={"code": code}).status_code == 200
        clock.shift(timedelta(seconds=1))
        stale = other_browser.post("/resume", data={"code": code})
        assert stale.status_code == 410
        assert "This code has expired" in stale.text
    unknown = other_browser.post("/resume", data={"code": "aaaa-bbbb-cccc"})
    assert unknown.status_code == 404
    assert "Check it for typing mistakes" in unknown.text
    assert 'href="#code"' in unknown.text


def test_wrong_codes_are_limited_by_network(begun: TestClient, other_browser: TestClient) -> None:
    code = save(begun)
    for _ in range(resuming.RESUMES_PER_NETWORK.tries):
        assert other_browser.post("/resume", data={"code": "wrong"}).status_code == 404
    response = other_browser.post("/resume", data={"code": code})
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 0


def test_malformed_codes_are_refused(client: TestClient) -> None:
    for code in ("", "\x00", "é" * 30, "x" * 101, "🙂-🙂"):
        assert client.post("/resume", data={"code": code}).status_code in {404, 422}


def test_an_owned_need_requires_sign_in_to_resume(
    begun: TestClient, other_browser: TestClient, make: Make, db: Session
) -> None:
    code = save(begun)
    need = db.scalars(select(Need)).one()
    service.claim(db, need, make.user())
    response = other_browser.post("/resume", data={"code": code})
    assert response.status_code == 403
    assert "Sign in to open them" in response.text
