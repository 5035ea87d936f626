"""Sign-in and reset links: single use, expiry, and purpose."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import AccountType, LinkPurpose, User, UserSession
from imatch.accounts.rules import MAILS_PER_EMAIL, RESET_LINK_LIFETIME, SIGN_IN_LINK_LIFETIME
from imatch.accounts.service import links, recovery, sign_in
from imatch.accounts.service.sessions import Browser
from imatch.core.database import atomic
from imatch.core.errors import DomainError
from imatch.core.security import hash_password, password_matches
from tests.accounts.signing_up import LinkTo, open_account
from tests.factories import Make
from tests.factories.accounts import ADA, PASSWORD
from tests.support.letters import Letters

NEW_PASSWORD = "another four words"


def request_link(client: TestClient, path: str, email: str = ADA, **more: str) -> None:
    assert client.post(path, data={"email": email, **more}).url.path == "/check-mail"


def test_a_sign_in_link_works_once_and_only_by_post(
    client: TestClient, ada: User, link_to: LinkTo
) -> None:
    request_link(client, "/sign-in/link", next="/account/name")
    for _ in range(3):  # mail scanners open links
        assert client.get(link_to(ADA)).status_code == 200
    assert client.get("/account").url.path == "/sign-in"
    answer = client.post(link_to(ADA).partition("?")[0], data={"next": "/account/name"})
    assert answer.url.path == "/account/name"
    client.cookies.clear()
    assert client.get(link_to(ADA)).status_code == 410
    assert client.post(link_to(ADA)).status_code == 410
    assert client.get("/account").url.path == "/sign-in"


def test_a_sign_in_link_does_not_step_up(client: TestClient, ada: User, link_to: LinkTo) -> None:
    request_link(client, "/sign-in/link")
    client.post(link_to(ADA))
    assert client.get("/account").url.path == "/account"
    assert client.get("/account/password").url.path == "/step-up"


@pytest.mark.parametrize(
    ("path", "lifetime"),
    [("/sign-in/link", SIGN_IN_LINK_LIFETIME), ("/recover", RESET_LINK_LIFETIME)],
)
def test_links_expire(
    client: TestClient,
    ada: User,
    link_to: LinkTo,
    clock: time_machine.Traveller,
    path: str,
    lifetime: timedelta,
) -> None:
    request_link(client, path)
    clock.shift(lifetime)
    form = {"password": NEW_PASSWORD}
    assert client.get(link_to(ADA)).status_code == 410
    assert client.post(link_to(ADA), data=form).status_code == 410
    clock.shift(timedelta(seconds=-1))
    assert client.post(link_to(ADA), data=form).url.path == "/account"


def test_a_newer_link_voids_the_older_one(client: TestClient, ada: User, link_to: LinkTo) -> None:
    request_link(client, "/sign-in/link")
    older = link_to(ADA)
    request_link(client, "/sign-in/link")
    assert client.post(older).status_code == 410
    assert client.post(link_to(ADA)).url.path == "/account"


def test_a_link_works_only_for_its_purpose(client: TestClient, ada: User, link_to: LinkTo) -> None:
    request_link(client, "/sign-in/link")
    token = link_to(ADA).partition("?")[0].rpartition("/")[2]
    form = {"password": NEW_PASSWORD}
    assert client.post(f"/reset/{token}", data=form).status_code == 410
    assert client.post(f"/confirm/{token}", data=form).status_code == 410
    assert client.post("/sign-in/link/" + "x" * 43).status_code == 410
    assert client.post(f"/sign-in/link/{token}").url.path == "/account"


def test_a_link_to_a_former_address_is_refused(
    client: TestClient, ada: User, link_to: LinkTo, db: Session
) -> None:
    request_link(client, "/recover")
    with atomic(db):
        ada.email = "moved@example.org"
    assert client.post(link_to(ADA), data={"password": NEW_PASSWORD}).status_code == 410


@pytest.mark.parametrize(
    "columns", [{"active": False}, {"email_confirmed_at": None}, {"email": "other@example.org"}]
)
def test_no_sign_in_link_for_closed_or_unconfirmed_accounts(
    client: TestClient, ada: User, db: Session, letters: Letters, columns: dict[str, object]
) -> None:
    with atomic(db):
        for name, value in columns.items():
            setattr(ada, name, value)
    request_link(client, "/sign-in/link")
    assert letters(ADA) == []


def test_recovery_sets_the_password_and_ends_every_session(
    client: TestClient, ada: User, db: Session, link_to: LinkTo, letters: Letters
) -> None:
    client.post("/sign-in", data={"email": ADA, "password": PASSWORD})
    stolen_cookies = dict(client.cookies)
    client.cookies.clear()
    request_link(client, "/sign-in/link")
    earlier = link_to(ADA)
    request_link(client, "/recover")
    reset = link_to(ADA)

    assert client.post(reset, data={"password": "short"}).status_code == 422
    assert client.post(reset, data={"password": NEW_PASSWORD}).url.path == "/account"
    assert client.get("/account/password").url.path == "/account/password"
    assert client.post(reset, data={"password": PASSWORD}).status_code == 410
    assert client.post(earlier).status_code == 410
    assert letters(ADA)[-1].subject == "Your account was changed"
    client.cookies.clear()
    client.cookies.update(stolen_cookies)
    assert client.get("/account").url.path == "/sign-in"
    client.cookies.clear()
    answer = client.post("/sign-in", data={"email": ADA, "password": PASSWORD})
    assert answer.status_code == 422
    answer = client.post("/sign-in", data={"email": ADA, "password": NEW_PASSWORD})
    assert answer.url.path == "/account"


def test_recovery_replaces_the_password_of_an_unconfirmed_account(
    client: TestClient, db: Session, link_to: LinkTo
) -> None:
    open_account(client, password="chosen by a stranger")
    request_link(client, "/recover")
    assert client.post(link_to(ADA), data={"password": NEW_PASSWORD}).url.path == "/account"
    user = db.scalars(select(User)).one()
    assert user.email_confirmed_at is not None
    assert not password_matches("chosen by a stranger", user.password_hash)


@pytest.mark.both_databases
def test_of_concurrent_uses_of_a_link_one_succeeds(
    db: Session, ada: User, new_session: Callable[[], Session]
) -> None:
    tokens = {
        LinkPurpose.SIGN_IN: links.issue(db, ada, LinkPurpose.SIGN_IN, SIGN_IN_LINK_LIFETIME),
        LinkPurpose.RESET_PASSWORD: recovery.reset_token(db, ada, RESET_LINK_LIFETIME),
    }
    browser = Browser("192.0.2.1", "", None)

    def use(purpose: LinkPurpose) -> bool:
        with new_session() as own:
            try:
                if purpose == LinkPurpose.SIGN_IN:
                    sign_in.sign_in_by_link(own, token=tokens[purpose], browser=browser)
                else:
                    recovery.reset_password(
                        own, token=tokens[purpose], password=NEW_PASSWORD, browser=browser
                    )
            except links.LinkNotUsable:
                return False
            return True

    for purpose in tokens:
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(use, [purpose] * 4)) == 1
    assert db.scalar(select(func.count(UserSession.id))) == 1


def test_mail_to_an_address_is_limited_across_all_forms(
    client: TestClient, ada: User, letters: Letters, clock: time_machine.Traveller
) -> None:
    for path in ("/sign-in/link", "/recover", "/sign-in/link", "/recover"):
        request_link(client, path)
    assert open_account(client).url.path == "/check-mail"
    assert len(letters(ADA)) == MAILS_PER_EMAIL.tries == 5
    refusals = [client.post(path, data={"email": ADA}) for path in ("/sign-in/link", "/recover")]
    for refused in (*refusals, open_account(client)):
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "3601"
    assert len(letters(ADA)) == MAILS_PER_EMAIL.tries
    clock.shift(MAILS_PER_EMAIL.window)
    request_link(client, "/recover")


def test_an_address_without_an_account_has_the_same_limit(
    client: TestClient, database_url: str
) -> None:
    for _ in range(MAILS_PER_EMAIL.tries):
        request_link(client, "/recover", email="nobody@example.org")
    refused = client.post("/recover", data={"email": "nobody@example.org"})
    assert refused.status_code == 429


def test_a_link_of_a_closed_account_is_refused(db: Session, make: Make) -> None:
    user = make.user(email=ADA, account_type=AccountType.BOTH, password_hash=hash_password("x"))
    token = links.issue(db, user, LinkPurpose.SIGN_IN, SIGN_IN_LINK_LIFETIME)
    with atomic(db):
        user.active = False
    with pytest.raises(DomainError):
        sign_in.sign_in_by_link(db, token=token, browser=Browser("192.0.2.1", "", None))
    assert user.last_sign_in_at is None
