"""Change name, password, address and browsers; the step-up before sensitive actions."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.accounts import queries, service
from imatch.accounts.deps import cookie_name
from imatch.accounts.errors import BadEmail
from imatch.accounts.models import AccountType, User, UserSession
from imatch.accounts.rules import CONFIRM_LINK_LIFETIME, PASSWORDS_PER_EMAIL, SESSIONS_MAX
from imatch.accounts.service import profile, sessions
from imatch.accounts.service.sessions import Browser
from imatch.core.database import atomic
from imatch.core.settings import get_settings
from tests.accounts.signing_up import LinkTo
from tests.factories import Make
from tests.factories.accounts import ADA, PASSWORD
from tests.support.clients import SignIn
from tests.support.letters import Letters

NEW_PASSWORD = "another four words"
NEW_ADDRESS = "ada@example.net"
STEP_UP = timedelta(minutes=get_settings().step_up_minutes)
STEP_UP_PAGES = [
    "/account/email",
    "/account/password",
    "/account/second-factor",
    "/account/api-keys",
    "/account/export",
    "/account/delete",
]
STEP_UP_ACTIONS = [
    ("/account/email", {"email": NEW_ADDRESS}),
    ("/account/password", {"password": NEW_PASSWORD}),
    ("/account/second-factor", {"code": "123456"}),
    ("/account/second-factor/begin", {}),
    ("/account/second-factor/recovery-codes", {}),
    ("/account/second-factor/off", {}),
    ("/account/api-keys", {"name": "key"}),
    ("/account/api-keys/1/revoke", {}),
    ("/account/delete", {"sure": "yes"}),
]


def reload(db: Session, user: User) -> User:
    with atomic(db):
        return db.get_one(User, user.id, populate_existing=True)


def test_sensitive_actions_require_a_recent_step_up(
    sign_in: SignIn, ada: User, db: Session, letters: Letters, clock: time_machine.Traveller
) -> None:
    client = sign_in(ada)
    clock.shift(STEP_UP - timedelta(seconds=1))
    for page in STEP_UP_PAGES:
        assert client.get(page).url.path == page
    clock.shift(timedelta(seconds=1))
    for page in STEP_UP_PAGES:
        response = client.get(page)
        assert (response.url.path, response.url.params["next"]) == ("/step-up", page)
    for path, form in STEP_UP_ACTIONS:
        referer = {"referer": "http://127.0.0.1:8401/account"}
        response = client.post(path, data=form, headers=referer)
        assert (response.url.path, response.url.params["next"]) == ("/step-up", "/account")
    for response in (
        client.post("/api/v1/me/api-keys", json={"name": "key"}),
        client.delete("/api/v1/me/api-keys/1"),
    ):
        assert response.status_code == 403
        assert response.json()["code"] == "step_up_needed"
    assert reload(db, ada).password_hash == ada.password_hash
    assert letters(ADA) == letters(NEW_ADDRESS) == []


def test_a_step_up_requires_the_password_and_rotates_the_token(
    sign_in: SignIn, ada: User, clock: time_machine.Traveller
) -> None:
    client = sign_in(ada)
    before = client.cookies[cookie_name()]
    clock.shift(STEP_UP)
    form = {"password": "wrong password", "next": "/account/password"}
    assert client.post("/step-up", data=form).status_code == 422
    answer = client.post("/step-up", data=form | {"password": PASSWORD})
    assert answer.url.path == "/account/password"
    after = {cookie.value for cookie in client.cookies.jar}
    client.cookies.clear()
    client.cookies.set(cookie_name(), before)
    assert client.get("/account").url.path == "/sign-in"
    client.cookies.clear()
    client.cookies.set(cookie_name(), (after - {before}).pop() or "")
    assert client.get("/account/password").url.path == "/account/password"


def test_wrong_passwords_at_a_step_up_are_limited(sign_in: SignIn, ada: User) -> None:
    client = sign_in(ada)
    for _ in range(PASSWORDS_PER_EMAIL.tries):
        assert client.post("/step-up", data={"password": "wrong"}).status_code == 422
    refused = client.post("/step-up", data={"password": PASSWORD})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= PASSWORDS_PER_EMAIL.window.total_seconds()


def test_a_step_up_without_a_password_links_to_recovery(sign_in: SignIn, make: Make) -> None:
    page = sign_in(make.user()).get("/step-up")
    assert 'href="/recover"' in page.text
    assert 'name="password"' not in page.text


def test_rename(sign_in: SignIn, ada: User, db: Session) -> None:
    client = sign_in(ada)
    assert "Your name is changed" in client.post("/account/name", data={"name": " Ada L. "}).text
    assert reload(db, ada).name == "Ada L."
    for name in ("", "x" * 121, "a\x00b"):
        assert client.post("/account/name", data={"name": name}).status_code == 422
    assert reload(db, ada).name == "Ada L."


def test_names_are_escaped(sign_in: SignIn, ada: User) -> None:
    client = sign_in(ada)
    page = client.post("/account/name", data={"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


def test_changing_the_password_ends_other_sessions_and_notifies_the_owner(
    sign_in: SignIn, ada: User, db: Session, letters: Letters
) -> None:
    client = sign_in(ada)
    other = sessions.start(db, ada, Browser("192.0.2.9", "", None), stepped_up=True)
    answer = client.post("/account/password", data={"password": NEW_PASSWORD})
    assert "Your password is changed" in answer.text
    assert db.scalar(select(func.count(UserSession.id))) == 1
    assert letters(ADA)[-1].subject == "Your account was changed"
    client.cookies.clear()
    client.cookies.set(cookie_name(), other.token)
    assert client.get("/account").url.path == "/sign-in"
    client.cookies.clear()
    form = {"email": ADA, "password": NEW_PASSWORD}
    assert client.post("/sign-in", data=form).url.path == "/account"


def test_a_weak_new_password_changes_nothing(sign_in: SignIn, ada: User, db: Session) -> None:
    for password in ("", "short", "password123", ADA):
        answer = sign_in(ada).post("/account/password", data={"password": password})
        assert answer.status_code == 422
    assert reload(db, ada).password_hash == ada.password_hash


def test_a_new_address_is_confirmed_and_the_old_one_notified(
    sign_in: SignIn, ada: User, db: Session, letters: Letters, link_to: LinkTo
) -> None:
    client = sign_in(ada)
    answer = client.post("/account/email", data={"email": " Ada@Example.NET"})
    assert answer.url.path == "/check-mail"
    assert NEW_ADDRESS in letters(ADA)[-1].text
    assert "/confirm/" not in letters(ADA)[-1].text
    assert reload(db, ada).email == ADA
    assert client.get(link_to(NEW_ADDRESS)).status_code == 200
    assert reload(db, ada).email == ADA
    assert "Your address is changed" in client.post(link_to(NEW_ADDRESS)).text
    assert reload(db, ada).email == NEW_ADDRESS
    assert len(letters(ADA)) == 2
    assert client.post(link_to(NEW_ADDRESS)).status_code == 410


def test_a_taken_new_address_does_not_reveal_its_account(
    sign_in: SignIn, ada: User, make: Make, db: Session, letters: Letters
) -> None:
    make.user(email=NEW_ADDRESS)
    answer = sign_in(ada).post("/account/email", data={"email": NEW_ADDRESS})
    assert answer.url.path == "/check-mail"
    assert letters(NEW_ADDRESS)[-1].subject == "You already have an account"
    assert reload(db, ada).email == ADA


def test_a_new_address_taken_before_confirmation_is_refused(
    sign_in: SignIn, ada: User, make: Make, db: Session, link_to: LinkTo
) -> None:
    client = sign_in(ada)
    client.post("/account/email", data={"email": NEW_ADDRESS})
    make.user(email=NEW_ADDRESS)
    assert client.post(link_to(NEW_ADDRESS)).status_code == 409
    assert reload(db, ada).email == ADA


def test_the_link_to_a_new_address_expires(
    sign_in: SignIn, ada: User, db: Session, link_to: LinkTo, clock: time_machine.Traveller
) -> None:
    client = sign_in(ada)
    client.post("/account/email", data={"email": NEW_ADDRESS})
    clock.shift(CONFIRM_LINK_LIFETIME)
    assert client.post(link_to(NEW_ADDRESS)).status_code == 410
    assert reload(db, ada).email == ADA


@pytest.mark.parametrize("email", ["", "ada", ADA, "ADA@example.org"])
def test_an_invalid_or_unchanged_address_is_refused(sign_in: SignIn, ada: User, email: str) -> None:
    assert sign_in(ada).post("/account/email", data={"email": email}).status_code == 422


def test_list_and_end_single_sessions(sign_in: SignIn, ada: User, db: Session, make: Make) -> None:
    client = sign_in(ada)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    make.session(ada, user_agent=agent)
    stranger = make.user()
    make.session(stranger)
    rows = {row.user_id: row.id for row in db.scalars(select(UserSession).order_by("id"))}
    assert "Firefox on Linux" in client.get("/account").text
    assert client.post(f"/account/browsers/{rows[stranger.id]}/end").status_code == 404
    answer = client.post(f"/account/browsers/{rows[ada.id]}/end")
    assert "Firefox on Linux" not in answer.text
    assert client.post(f"/account/browsers/{rows[ada.id]}/end").status_code == 404
    assert client.post(f"/account/browsers/{2**70}/end").status_code == 422
    with atomic(db):
        assert db.scalar(select(func.count(UserSession.id))) == 2


def test_sign_out_everywhere(sign_in: SignIn, ada: User, db: Session, make: Make) -> None:
    client = sign_in(ada)
    make.session(ada)
    stranger = make.user()
    make.session(stranger)
    assert client.post("/sign-out", data={"where": "everywhere"}).url.path == "/sign-in"
    assert db.scalars(select(UserSession.user_id)).all() == [stranger.id]


def test_the_oldest_sessions_end_above_the_limit(make: Make, db: Session, ada: User) -> None:
    tokens = [make.session(ada) for _ in range(SESSIONS_MAX + 1)]
    assert db.scalar(select(func.count(UserSession.id))) == SESSIONS_MAX
    assert queries.live_session(db, tokens[0]) is None
    assert queries.live_session(db, tokens[-1]) is not None


def test_sessions_of_a_closed_account_end_at_once(sign_in: SignIn, ada: User, db: Session) -> None:
    client = sign_in(ada)
    with atomic(db):
        ada.active = False
    assert client.get("/account").url.path == "/sign-in"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AccountType.SEEKER, AccountType.BOTH),
        (AccountType.PROVIDER, AccountType.PROVIDER),
        (AccountType.BOTH, AccountType.BOTH),
        (AccountType.OPERATOR, AccountType.OPERATOR),
    ],
)
def test_becoming_a_provider(make: Make, before: AccountType, after: AccountType) -> None:
    user = make.user(account_type=before)
    service.become_provider(make.db, user)
    assert user.account_type == after


def test_the_present_address_is_not_a_new_one(db: Session, ada: User) -> None:
    with pytest.raises(BadEmail):
        profile.ask_for_new_email(db, ada, ADA)
