"""Sign in with a password: success, refusals, sessions, and no account enumeration."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from httpx2 import Response
from pwdlib import PasswordHash
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.deps import cookie_name
from imatch.accounts.errors import BadEmail
from imatch.accounts.models import AccountType, User, UserSession
from imatch.accounts.rules import PASSWORDS_PER_EMAIL
from imatch.accounts.service import recovery, sign_in, sign_up
from imatch.accounts.service.sessions import Browser
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.security import hash_password
from imatch.core.settings import get_settings
from tests.accounts.signing_up import FORM, open_account
from tests.factories import Make
from tests.factories.accounts import ADA, PASSWORD


def enter(client: TestClient, **change: str) -> str:
    """Sign in and return the path of the final page."""
    return client.post("/sign-in", data={"email": ADA, "password": PASSWORD, **change}).url.path


def test_sign_in_see_the_account_and_sign_out(client: TestClient, ada: User, db: Session) -> None:
    assert enter(client, email=" ADA@example.org") == "/account"
    account = client.get("/account")
    assert "Ada Example" in account.text
    assert account.headers["cache-control"] == "no-store"
    assert client.get("/api/v1/me").json()["email"] == ADA
    assert client.post("/sign-out").url.path == "/sign-in"
    assert client.get("/account").url.path == "/sign-in"
    assert db.scalar(select(func.count(UserSession.id))) == 0


def test_the_session_cookie_is_http_only_and_same_site(client: TestClient, ada: User) -> None:
    answer = client.post(
        "/sign-in", data={"email": ADA, "password": PASSWORD}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("imatch_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie


def test_over_tls_the_cookie_has_the_host_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMATCH_BASE_URL", "https://example.org")
    get_settings.cache_clear()
    try:
        assert cookie_name() == "__Host-imatch"
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def test_every_sign_in_gets_a_new_token(client: TestClient, ada: User, db: Session) -> None:
    planted = {"cookie": f"{cookie_name()}=planted-by-somebody-else"}
    client.post("/sign-in", data={"email": ADA, "password": PASSWORD}, headers=planted)
    first = client.cookies[cookie_name()]
    assert first != "planted-by-somebody-else"
    enter(client)
    second = client.cookies[cookie_name()]
    assert second != first
    client.cookies.clear()
    client.cookies.set(cookie_name(), first)
    assert client.get("/account").url.path == "/sign-in"
    assert db.scalar(select(func.count(UserSession.id))) == 1
    stored = db.scalars(select(UserSession.token_hash)).one()
    assert second not in stored


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("/account/name", "/account/name"),
        ("/api/v1/me?x=1", "/api/v1/me"),
        ("//evil.example", "/account"),
        ("https://evil.example/", "/account"),
        ("/\\evil.example", "/account"),
    ],
)
def test_sign_in_redirects_only_within_the_site(
    client: TestClient, ada: User, typed: str, leads_to: str
) -> None:
    assert enter(client, next=typed) == leads_to


def test_a_page_that_needs_an_account_leads_to_sign_in_and_back(
    client: TestClient, ada: User
) -> None:
    page = client.get("/account/name")
    assert page.url.path == "/sign-in"
    assert page.url.params["next"] == "/account/name"
    assert client.get("/api/v1/me").status_code == 401
    fragment = client.get("/account/name", headers={"HX-Request": "true"})
    assert fragment.headers["hx-redirect"] == "/sign-in?next=%2Faccount%2Fname"


def _without_address(text: str) -> str:
    """The page without the typed address."""
    return re.sub(r'value="[^"]*@[^"]*"', "", text)


def test_responses_do_not_reveal_who_has_an_account(client: TestClient, make: Make) -> None:
    make.user(email="known@example.org", password_hash=hash_password(PASSWORD))
    make.user(email="closed@example.org", password_hash=hash_password(PASSWORD), active=False)
    make.user(email="no-password@example.org")
    unconfirmed = make.user(email="unconfirmed@example.org", password_hash=hash_password(PASSWORD))
    with atomic(make.db):
        unconfirmed.email_confirmed_at = None
    cases = [
        ("known@example.org", "not the password"),
        ("unknown@example.org", PASSWORD),
        ("closed@example.org", PASSWORD),
        ("no-password@example.org", PASSWORD),
        ("unconfirmed@example.org", PASSWORD),
    ]
    answers = {
        _without_address(client.post("/sign-in", data={"email": email, "password": password}).text)
        for email, password in cases
    }
    assert len(answers) == 1
    requests: tuple[Callable[[str], Response], ...] = (
        lambda email: client.post("/sign-in/link", data={"email": email}),
        lambda email: client.post("/recover", data={"email": email}),
        lambda email: client.post("/sign-up/email", data={"email": email}),
        lambda email: open_account(client, email=email),
    )
    for send in requests:
        responses = [send(email) for email, _ in cases]
        assert len({(a.status_code, str(a.url), _without_address(a.text)) for a in responses}) == 1


def _fastest(action: Callable[[], object], times: int) -> float:
    durations = []
    for _ in range(times):
        start = time.process_time()  # processor time: unaffected by other programs
        action()
        durations.append(time.process_time() - start)
    return min(durations)


def test_a_wrong_password_takes_as_long_as_an_unknown_address(
    db: Session, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes with the real cost, because its time would reveal whether an account exists."""
    real = PasswordHash.recommended()
    monkeypatch.setattr("imatch.core.security._passwords", lambda: real)
    unmatchable = hash_password("the hash that unknown addresses are compared with")
    monkeypatch.setattr("imatch.core.security._unmatchable_hash", lambda: unmatchable)
    make.user(email="known@example.org", password_hash=hash_password(PASSWORD))
    browser = Browser("192.0.2.1", "", None)

    def attempt(email: str) -> None:
        with pytest.raises(sign_in.WrongEmailOrPassword):
            sign_in.sign_in(db, email=email, password="wrong password", browser=browser)

    attempt("warm-up@example.org")
    known = _fastest(lambda: attempt("known@example.org"), 4)
    unknown = _fastest(lambda: attempt("unknown@example.org"), 4)
    assert 0.5 < known / unknown < 2


def test_an_idle_session_ends(client: TestClient, ada: User, clock: time_machine.Traveller) -> None:
    idle = timedelta(days=get_settings().session_idle_days)
    enter(client)
    clock.shift(idle - timedelta(seconds=1))
    assert client.get("/account").url.path == "/account"
    clock.shift(idle - timedelta(seconds=1))
    assert client.get("/account").url.path == "/account"
    clock.shift(idle)
    assert client.get("/account").url.path == "/sign-in"


def test_a_session_in_use_ends_after_its_lifetime(
    client: TestClient, ada: User, clock: time_machine.Traveller
) -> None:
    enter(client)
    for _ in range(get_settings().session_days - 1):
        clock.shift(timedelta(days=1))
        assert client.get("/account").url.path == "/account"
    clock.shift(timedelta(days=1, seconds=-1))
    assert client.get("/account").url.path == "/account"
    clock.shift(timedelta(seconds=1))
    assert client.get("/account").url.path == "/sign-in"


def test_last_seen_is_written_every_few_minutes(
    client: TestClient, ada: User, db: Session, clock: time_machine.Traveller
) -> None:
    enter(client)
    last_seen = select(UserSession.last_seen_at).execution_options(populate_existing=True)
    start = now()
    clock.shift(timedelta(minutes=5, seconds=-1))
    client.get("/account")
    assert _scalar(db, last_seen) == start
    clock.shift(timedelta(seconds=1))
    client.get("/account")
    assert _scalar(db, last_seen) == now()


def _scalar(db: Session, statement: object) -> object:
    with atomic(db):
        return db.scalar(statement)  # type: ignore[call-overload]


def test_wrong_passwords_are_limited(
    client: TestClient, ada: User, clock: time_machine.Traveller
) -> None:
    for _ in range(PASSWORDS_PER_EMAIL.tries):
        assert enter(client, password="wrong password") == "/sign-in"
        clock.shift(timedelta(minutes=1))
    refused = client.post("/sign-in", data={"email": ADA, "password": PASSWORD})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "601"
    assert f'value="{ADA}"' in refused.text
    assert PASSWORD not in refused.text
    clock.shift(timedelta(seconds=599))
    assert client.post("/sign-in", data={"email": ADA, "password": PASSWORD}).status_code == 429
    clock.shift(timedelta(seconds=1))
    assert enter(client) == "/account"


def test_an_unknown_address_has_the_same_limit(client: TestClient, database_url: str) -> None:
    statuses = [
        client.post("/sign-in", data={"email": "nobody@example.org", "password": "x"}).status_code
        for _ in range(PASSWORDS_PER_EMAIL.tries + 1)
    ]
    assert statuses == [422] * PASSWORDS_PER_EMAIL.tries + [429]


def test_right_passwords_do_not_count(client: TestClient, ada: User) -> None:
    for _ in range(PASSWORDS_PER_EMAIL.tries + 2):
        assert enter(client) == "/account"


def test_an_invalid_address_is_refused(client: TestClient, database_url: str) -> None:
    answer = client.post("/sign-in", data={"email": "ada", "password": "x"})
    assert answer.status_code == 422
    assert 'href="#email"' in answer.text


@pytest.mark.both_databases
def test_a_password_changed_during_its_check_is_refused(
    db: Session, ada: User, new_session: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked_late(password: str, password_hash: str | None) -> bool:
        with new_session() as other, atomic(other):
            other.get_one(User, ada.id).password_hash = hash_password("changed meanwhile")
        return True

    monkeypatch.setattr(sign_in, "password_matches", checked_late)
    with pytest.raises(sign_in.WrongEmailOrPassword):
        sign_in.sign_in(db, email=ADA, password=PASSWORD, browser=Browser("192.0.2.1", "", None))
    assert db.scalar(select(func.count(UserSession.id))) == 0


def test_invalid_addresses_get_no_mail(db: Session) -> None:
    browser = Browser("192.0.2.1", "", None)
    with pytest.raises(BadEmail):
        sign_in.send_link(db, email="ada", next_path="/", browser=browser)
    with pytest.raises(BadEmail):
        recovery.send_reset_link(db, email="ada@", browser=browser)
    with pytest.raises(sign_up.BadSignUp):
        sign_up.sign_up(db, **{**FORM, "email": "@example.org"}, browser=browser)


@pytest.mark.parametrize(
    "account_type", [AccountType.SEEKER, AccountType.PROVIDER, AccountType.BOTH]
)
def test_the_console_is_for_operators(
    client: TestClient, ada: User, db: Session, account_type: AccountType
) -> None:
    assert client.get("/console/providers").url.path == "/sign-in"
    with atomic(db):
        ada.account_type = account_type
    enter(client)
    refused = client.get("/console/providers", headers={"accept": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (403, "operators_only")
    with atomic(db):
        ada.account_type = AccountType.OPERATOR
    assert client.get("/console/providers").status_code == 200


def test_every_form_can_be_opened(client: TestClient, ada: User) -> None:
    for path in ("/sign-up", "/sign-in", "/sign-in/link", "/recover", "/check-mail"):
        page = client.get(path)
        assert (page.status_code, page.url.path) == (200, path)
    enter(client)
    for path in ("/sign-up", "/sign-in"):
        assert client.get(path).url.path == "/account"
