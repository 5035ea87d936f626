"""Save without an account, and go on in another browser."""

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
from tests.make import Make

CODE = re.compile(r"\b[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}\b")


def saved(browser: TestClient) -> str:
    found = CODE.search(browser.post("/find/save").text)
    assert found
    return found[0]


def test_a_written_code_opens_the_answers_elsewhere(
    begun: TestClient, other_browser: TestClient, db: Session
) -> None:
    code = saved(begun)
    assert db.scalars(select(Need.resume_code_hash)).one() != code
    response = other_browser.post("/resume", data={"code": code})
    assert response.url.path == "/find/financial_advisors/2"
    page = other_browser.get("/find/financial_advisors/1")
    assert "Shares vest in May." in page.text
    assert "Shares vest in May." not in begun.get("/find/financial_advisors/1").text
    typed = code.upper().replace("-", " ")
    assert begun.post("/resume", data={"code": typed}).url.path.endswith("/2")
    assert "Shares vest in May." in begun.get("/find/financial_advisors/1").text


def test_a_finished_need_resumes_at_its_matches(
    begun: TestClient, other_browser: TestClient
) -> None:
    code = saved(begun)
    begun.post("/find/financial_advisors/check", follow_redirects=False)
    response = other_browser.post("/resume", data={"code": code}, follow_redirects=False)
    assert response.headers["location"] == "/matches"


def test_saving_is_offered_once_there_is_something(client: TestClient) -> None:
    assert "/find/save" not in client.get("/find/financial_advisors/1").text
    assert "There is nothing to save yet" in client.get("/find/save").text
    assert CODE.search(client.post("/find/save").text) is None


def test_looking_at_the_save_page_makes_no_code(begun: TestClient, db: Session) -> None:
    assert "Show me a code" in begun.get("/find/save").text
    assert db.scalars(select(Need.resume_code_hash)).one() is None


def test_the_mailed_link_opens_with_one_press(
    begun: TestClient, other_browser: TestClient, db: Session
) -> None:
    code = saved(begun)
    page = begun.post("/find/save/mail", data={"email": "Sam@Example.org", "code": code})
    assert "sam@example.org" in page.text
    assert code in page.text
    message = db.scalars(select(MailMessage)).one()
    assert message.recipient == "sam@example.org"
    assert "vest" not in message.text
    assert "financial" not in message.text.lower()
    found = re.search(r"http://\S+", message.text)
    assert found
    link = found[0].removeprefix(get_settings().base_url)
    opened = other_browser.get(link)
    assert "Open my answers" in opened.text
    assert "imatch_need" not in other_browser.cookies
    assert other_browser.post("/resume", data={"code": code}).url.path.endswith("/2")


def test_a_wrong_address_keeps_code_and_input(begun: TestClient, db: Session) -> None:
    code = saved(begun)
    page = begun.post("/find/save/mail", data={"email": "nonsense", "code": code})
    assert page.status_code == 422
    assert 'href="#email"' in page.text
    assert 'value="nonsense"' in page.text
    assert code in page.text
    assert db.scalars(select(MailMessage)).all() == []


def test_mail_goes_out_with_the_present_code_only(begun: TestClient, db: Session) -> None:
    old = saved(begun)
    saved(begun)
    for code in (old, "aaaa-bbbb-cccc", ""):
        response = begun.post("/find/save/mail", data={"email": "sam@example.org", "code": code})
        assert response.status_code == 410
    assert db.scalars(select(MailMessage)).all() == []


def test_a_stale_code_is_gone_and_an_unknown_one_not_known(
    begun: TestClient, other_browser: TestClient
) -> None:
    with time_machine.travel(datetime(2026, 6, 1, tzinfo=UTC), tick=False) as clock:
        code = saved(begun)
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


def test_codes_cannot_be_guessed_at_will(begun: TestClient, other_browser: TestClient) -> None:
    code = saved(begun)
    for _ in range(resuming.RESUMES_PER_NETWORK.tries):
        assert other_browser.post("/resume", data={"code": "wrong"}).status_code == 404
    response = other_browser.post("/resume", data={"code": code})
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 0


def test_odd_codes_are_refused_plainly(client: TestClient) -> None:
    for code in ("", "\x00", "é" * 30, "x" * 101, "🙂-🙂"):
        assert client.post("/resume", data={"code": code}).status_code in {404, 422}


def test_an_accounts_need_does_not_open_by_code(
    begun: TestClient, other_browser: TestClient, make: Make, db: Session
) -> None:
    code = saved(begun)
    need = db.scalars(select(Need)).one()
    service.claim(db, need, make.user())
    response = other_browser.post("/resume", data={"code": code})
    assert response.status_code == 403
    assert "Sign in to open them" in response.text
