"""Sign up: the forms, the confirmation link, and the chosen password."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.accounts.rules import CONFIRM_LINK_LIFETIME
from imatch.accounts.service import sign_up
from imatch.accounts.service.sessions import Browser
from imatch.core.database import atomic
from imatch.core.events import listen
from imatch.facts.people import EmailConfirmed
from tests.accounts.signing_up import FORM, LinkTo, open_account
from tests.factories import Make
from tests.factories.accounts import ADA, PASSWORD
from tests.support.letters import Letters


def test_sign_up_and_confirm(client: TestClient, db: Session, link_to: LinkTo) -> None:
    confirmed: list[int] = []
    listen(EmailConfirmed, lambda _db, fact: confirmed.append(fact.user_id))

    answer = open_account(client, email=" Ada@Example.org ")
    assert answer.url.path == "/check-mail"
    assert client.get("/account").url.path == "/sign-in"

    form = client.get(link_to(ADA))
    assert form.status_code == 200
    assert ADA in form.text
    answer = client.post(link_to(ADA), data={"password": PASSWORD})
    assert answer.url.path == "/account"
    assert "Your address is confirmed" in answer.text
    user = db.scalars(select(User).where(User.email == ADA)).one()
    assert user.email_confirmed_at is not None
    assert user.name == "Ada Example"
    assert confirmed == [user.id]
    assert PASSWORD not in (user.password_hash or "")


BAD_INPUT: list[tuple[dict[str, str], str]] = [
    ({"email": "ada"}, "email"),
    ({"email": "ada@" + "x" * 260 + ".org"}, "email"),
    ({"email": "a\x00da@example.org"}, "email"),
    ({"name": "  "}, "name"),
    ({"name": "A" * 121}, "name"),
    ({"name": "Ada\x00"}, "name"),
    ({"account_type": "operator"}, "account_type"),
    ({"account_type": ""}, "account_type"),
    ({"password": "nine char"}, "password"),
    ({"password": "p" * 101 + "qr" * 50}, "password"),
    ({"password": "Password123"}, "password"),
    ({"password": "aaaaaaaaaaaaa"}, "password"),
    ({"password": "Ada Example"}, "password"),
    ({"password": "ADA@example.org"}, "password"),
]


def test_invalid_answers_are_shown_with_their_errors(client: TestClient, db: Session) -> None:
    for change, field in BAD_INPUT:
        open_account(client, password="short")  # the earlier answers are valid
        path = "/sign-up" if field == "account_type" else f"/sign-up/{field}"
        answer = client.post(path, data=change)
        assert answer.status_code == 422, change
        assert f'href="#{field}"' in answer.text
        if field == "password":
            assert change[field] not in answer.text
        elif field != "account_type":
            assert f'value="{change[field]}"' in answer.text
    for path in ("", "/name", "/email", "/password"):
        assert client.post(f"/sign-up{path}").status_code == 422
    assert db.scalar(select(func.count(User.id))) == 0


def test_the_service_reports_every_wrong_field(db: Session) -> None:
    with pytest.raises(sign_up.BadSignUp) as refused:
        sign_up.sign_up(
            db,
            email="ada",
            name=" ",
            password="ada",
            account_type="operator",
            browser=Browser("192.0.2.1", "", None),
        )
    wrong = {fault.field for fault in refused.value.fields}
    assert wrong == {"email", "name", "password", "account_type"}


def test_one_question_a_page_with_back(client: TestClient) -> None:
    page = client.get("/sign-up")
    assert "Step 1 of 4" in page.text
    page = client.post("/sign-up", data={"account_type": "both"})
    assert (page.url.path, "Step 2 of 4" in page.text) == ("/sign-up/name", True)
    page = client.post("/sign-up/name", data={"name": "Ada Example"})
    assert (page.url.path, "Step 3 of 4" in page.text) == ("/sign-up/email", True)
    page = client.post("/sign-up/email", data={"email": ADA})
    assert (page.url.path, "Step 4 of 4" in page.text) == ("/sign-up/password", True)
    assert 'value="Ada Example"' in client.get("/sign-up/name").text
    assert f'value="{ADA}"' in client.get("/sign-up/email").text
    assert re.search(r'value="both"[^>]* checked', client.get("/sign-up").text)


def test_a_type_in_the_url_skips_the_first_question(client: TestClient, db: Session) -> None:
    assert client.get("/sign-up?type=provider").url.path == "/sign-up/name"
    client.post("/sign-up/name", data={"name": "Ada Example"})
    client.post("/sign-up/email", data={"email": ADA})
    client.post("/sign-up/password", data={"password": PASSWORD})
    assert db.scalars(select(User.account_type)).one() == "provider"
    assert client.get("/sign-up?type=operator").url.path == "/sign-up"


def test_a_skipped_page_redirects_to_the_first_unanswered_question(client: TestClient) -> None:
    for page in ("name", "email", "password"):
        assert client.get(f"/sign-up/{page}").url.path == "/sign-up"
    client.get("/sign-up?type=seeker")
    assert client.get("/sign-up/password").url.path == "/sign-up/name"
    answer = client.post("/sign-up/password", data={"password": PASSWORD})
    assert answer.status_code == 422
    assert 'action="/sign-up/name"' in answer.text
    assert client.get("/sign-up/nothing").status_code == 404


def test_the_cookie_has_no_password_and_is_deleted_at_the_end(
    client: TestClient,
) -> None:
    refused = open_account(client, password="Ada Example")
    stored = {cookie.name: cookie for cookie in client.cookies.jar}["imatch_sign_up"]
    assert "Ada" in (stored.value or "")
    assert "password" not in (stored.value or "")
    assert stored.has_nonstandard_attr("HttpOnly")
    assert stored.path == "/sign-up"
    assert "Ada Example" not in str(refused.url)
    assert "<h1" in refused.text
    open_account(client)
    assert "imatch_sign_up" not in {cookie.name for cookie in client.cookies.jar}
    assert client.get("/sign-up/password").url.path == "/sign-up"


@pytest.mark.parametrize(
    "cookie", ["", "x", "name=%00&email=&account_type=operator", "=&" * 900, "%ff%ed%a0%80=%ff"]
)
def test_an_invalid_cookie_is_ignored(client: TestClient, cookie: str) -> None:
    client.cookies.set("imatch_sign_up", cookie, path="/sign-up")
    assert client.get("/sign-up/email").url.path == "/sign-up"


def test_passwords_of_minimum_and_maximum_length_are_accepted(client: TestClient) -> None:
    for password in ("ten chars!", "é" * 5 + "xyz" * 65, "🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵"):
        answer = open_account(client, password=password)
        assert answer.url.path == "/check-mail"


def test_names_may_use_any_script(client: TestClient, db: Session) -> None:
    open_account(client, name="نور  李 👩‍🔬")
    assert db.scalars(select(User.name)).one() == "نور 李 👩‍🔬"


def test_an_unconfirmed_account_cannot_sign_in(client: TestClient) -> None:
    open_account(client)
    answer = client.post("/sign-in", data={"email": ADA, "password": PASSWORD})
    assert answer.status_code == 422
    assert client.get("/account").url.path == "/sign-in"


def test_confirmation_requires_the_chosen_password(client: TestClient, link_to: LinkTo) -> None:
    """A stranger may have signed up with the reader's address."""
    open_account(client)
    answer = client.post(link_to(ADA), data={"password": "another password"})
    assert answer.status_code == 422
    assert client.get("/account").url.path == "/sign-in"
    assert client.post(link_to(ADA), data={"password": PASSWORD}).url.path == "/account"


def test_a_second_sign_up_before_confirmation_replaces_the_first(
    client: TestClient, db: Session, link_to: LinkTo
) -> None:
    open_account(client)
    first = link_to(ADA)
    open_account(client, name="Ada Newer", password="newer password")
    assert client.get(first).status_code == 410
    assert client.post(first, data={"password": PASSWORD}).status_code == 410
    answer = client.post(link_to(ADA), data={"password": "newer password"})
    assert answer.url.path == "/account"
    assert db.scalars(select(User.name)).one() == "Ada Newer"


def test_a_known_address_gets_a_letter_and_keeps_its_account(
    client: TestClient, db: Session, make: Make, letters: Letters
) -> None:
    make.user(email=ADA, name="Ada Before", password_hash="kept")
    answer = open_account(client)
    assert answer.url.path == "/check-mail"
    assert [letter.subject for letter in letters(ADA)] == ["You already have an account"]
    user = db.scalars(select(User).execution_options(populate_existing=True)).one()
    assert (user.name, user.password_hash) == ("Ada Before", "kept")


@pytest.mark.parametrize(
    ("account_type", "password_hash"), [("operator", "kept"), ("seeker", None)]
)
def test_sign_up_does_not_replace_accounts_created_otherwise(
    client: TestClient, db: Session, make: Make, account_type: str, password_hash: str | None
) -> None:
    user = make.user(email=ADA, name="Kept", account_type=account_type, password_hash=password_hash)
    with atomic(db):
        user.email_confirmed_at = None
    open_account(client)
    assert db.scalars(select(User.name).execution_options(populate_existing=True)).one() == "Kept"


def test_a_confirmation_link_expires_and_works_once(
    client: TestClient, link_to: LinkTo, clock: time_machine.Traveller
) -> None:
    open_account(client)
    clock.shift(CONFIRM_LINK_LIFETIME)
    assert client.post(link_to(ADA), data={"password": PASSWORD}).status_code == 410
    clock.shift(timedelta(seconds=-1))
    assert client.post(link_to(ADA), data={"password": PASSWORD}).url.path == "/account"
    assert client.post(link_to(ADA), data={"password": PASSWORD}).status_code == 410


@pytest.mark.both_databases
def test_concurrent_sign_ups_create_one_account(
    db: Session, new_session: Callable[[], Session]
) -> None:
    def sign_up_from(number: int) -> None:
        with new_session() as own:
            sign_up.sign_up(own, **FORM, browser=Browser(f"192.0.2.{number}", "", None))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sign_up_from, range(4)))
    assert db.scalar(select(func.count(User.id))) == 1
