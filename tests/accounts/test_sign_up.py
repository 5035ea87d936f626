"""Opening an account: the form, the link, the password that must belong to it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.accounts.rules import CONFIRM_LINK_LASTS
from imatch.accounts.service import sign_up
from imatch.accounts.service.sessions import Browser
from imatch.core.database import atomic
from imatch.core.events import listen
from imatch.facts import EmailConfirmed
from tests.accounts.conftest import ADA, FORM, PASSWORD, Letters, LinkTo
from tests.make import Make


def test_sign_up_confirm_and_arrive_signed_in(
    client: TestClient, db: Session, link_to: LinkTo
) -> None:
    confirmed: list[int] = []
    listen(EmailConfirmed, lambda _db, fact: confirmed.append(fact.user_id))

    answer = client.post("/sign-up", data={**FORM, "email": " Ada@Example.org "})
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


def test_bad_input_is_named_kept_and_changes_nothing(client: TestClient, db: Session) -> None:
    for change, field in BAD_INPUT:
        answer = client.post("/sign-up", data=FORM | change)
        assert answer.status_code == 422, change
        assert f'href="#{field}"' in answer.text
        assert FORM["password"] not in answer.text
        if "name" not in change:
            assert 'value="Ada Example"' in answer.text
    assert client.post("/sign-up").status_code == 422
    assert db.scalar(select(func.count(User.id))) == 0


def test_passwords_at_the_bounds_are_accepted(client: TestClient) -> None:
    for password in ("ten chars!", "é" * 5 + "xyz" * 65, "🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵"):
        answer = client.post("/sign-up", data=FORM | {"password": password})
        assert answer.url.path == "/check-mail"


def test_any_script_is_a_name(client: TestClient, db: Session) -> None:
    client.post("/sign-up", data=FORM | {"name": "نور  李 👩‍🔬"})
    assert db.scalars(select(User.name)).one() == "نور 李 👩‍🔬"


def test_an_unconfirmed_account_opens_nothing(client: TestClient) -> None:
    client.post("/sign-up", data=FORM)
    answer = client.post("/sign-in", data={"email": ADA, "password": PASSWORD})
    assert answer.status_code == 422
    assert client.get("/account").url.path == "/sign-in"


def test_only_the_chosen_password_confirms(client: TestClient, link_to: LinkTo) -> None:
    """Somebody else may have opened the account in the reader's name."""
    client.post("/sign-up", data=FORM)
    answer = client.post(link_to(ADA), data={"password": "another password"})
    assert answer.status_code == 422
    assert client.get("/account").url.path == "/sign-in"
    assert client.post(link_to(ADA), data={"password": PASSWORD}).url.path == "/account"


def test_signing_up_again_before_confirming_takes_the_newer_password(
    client: TestClient, db: Session, link_to: LinkTo
) -> None:
    client.post("/sign-up", data=FORM)
    first = link_to(ADA)
    client.post("/sign-up", data=FORM | {"name": "Ada Newer", "password": "newer password"})
    assert client.get(first).status_code == 410
    assert client.post(first, data={"password": PASSWORD}).status_code == 410
    answer = client.post(link_to(ADA), data={"password": "newer password"})
    assert answer.url.path == "/account"
    assert db.scalars(select(User.name)).one() == "Ada Newer"


def test_a_known_address_gets_a_letter_and_keeps_its_account(
    client: TestClient, db: Session, make: Make, letters: Letters
) -> None:
    make.user(email=ADA, name="Ada Before", password_hash="kept")
    answer = client.post("/sign-up", data=FORM)
    assert answer.url.path == "/check-mail"
    assert [letter.subject for letter in letters(ADA)] == ["You already have an account"]
    with_fresh = db.scalars(select(User).execution_options(populate_existing=True)).one()
    assert (with_fresh.name, with_fresh.password_hash) == ("Ada Before", "kept")


@pytest.mark.parametrize(
    ("account_type", "password_hash"), [("operator", "kept"), ("seeker", None)]
)
def test_nobody_signs_up_over_an_account_that_others_made(
    client: TestClient, db: Session, make: Make, account_type: str, password_hash: str | None
) -> None:
    user = make.user(email=ADA, name="Kept", account_type=account_type, password_hash=password_hash)
    with atomic(db):
        user.email_confirmed_at = None
    client.post("/sign-up", data=FORM)
    assert db.scalars(select(User.name).execution_options(populate_existing=True)).one() == "Kept"


def test_a_link_confirms_until_it_expires(
    client: TestClient, link_to: LinkTo, clock: time_machine.Traveller
) -> None:
    client.post("/sign-up", data=FORM)
    clock.shift(CONFIRM_LINK_LASTS)
    assert client.post(link_to(ADA), data={"password": PASSWORD}).status_code == 410
    clock.shift(timedelta(seconds=-1))
    assert client.post(link_to(ADA), data={"password": PASSWORD}).url.path == "/account"
    assert client.post(link_to(ADA), data={"password": PASSWORD}).status_code == 410


def test_two_sign_ups_at_once_make_one_account(
    db: Session, new_session: Callable[[], Session]
) -> None:
    def one(number: int) -> None:
        with new_session() as own:
            sign_up.sign_up(own, **FORM, browser=Browser(f"192.0.2.{number}", "", None))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert db.scalar(select(func.count(User.id))) == 1
