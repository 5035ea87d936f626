"""The second factor: set up, sign in, step up, recovery codes."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.deps import cookie_name
from imatch.accounts.models import RecoveryCode, User
from imatch.accounts.rules import CODES_PER_USER, RECOVERY_CODES, SECOND_FACTOR_TIMEOUT
from imatch.accounts.service import second_factor
from imatch.core.clock import now
from imatch.core.database import atomic
from tests.accounts.signing_up import LinkTo
from tests.factories.accounts import ADA, PASSWORD
from tests.support.clients import SignIn
from tests.support.letters import Letters

PAGE = "/account/second-factor"


def code_at(user: User, steps: int = 0) -> str:
    """The user's TOTP code now, or some 30-second steps away."""
    assert user.totp_secret
    return pyotp.TOTP(user.totp_secret).at(now() + timedelta(seconds=30 * steps))


@pytest.fixture
def protected(db: Session, ada: User, clock: time_machine.Traveller) -> User:
    """Ada, with a second factor set up two minutes ago."""
    second_factor.begin(db, ada)
    second_factor.confirm(db, ada, code_at(ada))
    clock.shift(timedelta(minutes=2))
    return ada


def enter(client: TestClient, **more: str) -> str:
    return client.post("/sign-in", data={"email": ADA, "password": PASSWORD, **more}).url.path


def test_set_up_shows_a_qr_code_and_ten_recovery_codes_once(
    sign_in: SignIn, ada: User, db: Session, letters: Letters
) -> None:
    client = sign_in(ada)
    page = client.post(f"{PAGE}/begin")
    drawing = re.search(r"<svg [^>]*viewBox[^>]*>.*?</svg>", page.text)
    assert drawing
    assert "style=" not in drawing[0]
    with atomic(db):
        assert " ".join(re.findall("....", ada.totp_secret or "")) in page.text

    assert client.post(PAGE, data={"code": "000000"}).status_code == 422
    confirmed = client.post(PAGE, data={"code": code_at(ada)})
    codes = re.findall(r"\b[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}\b", confirmed.text)
    assert len(set(codes)) == RECOVERY_CODES
    assert codes[0] not in client.get(PAGE).text
    assert client.post(f"{PAGE}/begin").status_code == 409
    assert client.post(PAGE, data={"code": code_at(ada)}).status_code == 409
    assert letters(ADA)[-1].subject == "Your account was changed"


def test_the_secret_is_encrypted_at_rest(db: Session, protected: User) -> None:
    stored = db.connection().exec_driver_sql("SELECT totp_secret FROM users").scalar_one()
    assert protected.totp_secret
    assert protected.totp_secret not in stored


def test_the_password_alone_grants_no_access(client: TestClient, protected: User) -> None:
    assert enter(client, next="/account/name") == "/sign-in/code"
    pending_token = client.cookies[cookie_name()]
    assert client.get("/account").url.path == "/sign-in"
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/step-up").url.path == "/sign-in"

    form = {"code": code_at(protected), "next": "/account/name"}
    assert client.post("/sign-in/code", data=form).url.path == "/account/name"
    assert client.cookies[cookie_name()] != pending_token
    assert client.get("/account/password").url.path == "/account/password"
    client.cookies.clear()
    client.cookies.set(cookie_name(), pending_token)
    assert client.get("/account").url.path == "/sign-in"


def test_an_emailed_link_requires_the_second_factor_too(
    client: TestClient, protected: User, link_to: LinkTo
) -> None:
    client.post("/sign-in/link", data={"email": ADA})
    assert client.post(link_to(ADA)).url.path == "/sign-in/code"
    client.post("/recover", data={"email": ADA})
    answer = client.post(link_to(ADA), data={"password": "another four words"})
    assert answer.url.path == "/sign-in/code"
    assert client.get("/account").url.path == "/sign-in"


def test_a_pending_second_factor_expires_after_ten_minutes(
    client: TestClient, protected: User, clock: time_machine.Traveller
) -> None:
    enter(client)
    clock.shift(SECOND_FACTOR_TIMEOUT)
    assert client.post("/sign-in/code", data={"code": code_at(protected)}).url.path == "/sign-in"
    clock.shift(timedelta(seconds=-1))
    assert client.post("/sign-in/code", data={"code": code_at(protected)}).url.path == "/account"


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(
    db: Session, protected: User, steps: int, accepted: bool
) -> None:
    if accepted:
        second_factor.accept(db, protected, code_at(protected, steps))
        return
    with pytest.raises(second_factor.WrongCode):
        second_factor.accept(db, protected, code_at(protected, steps))


def test_used_and_earlier_codes_are_refused(
    db: Session, protected: User, clock: time_machine.Traveller
) -> None:
    present, earlier = code_at(protected), code_at(protected, -1)
    second_factor.accept(db, protected, f" {present[:3]} {present[3:]} ")
    for code in (present, earlier):
        with pytest.raises(second_factor.WrongCode):
            second_factor.accept(db, protected, code)
    clock.shift(timedelta(seconds=30))
    second_factor.accept(db, protected, code_at(protected))


def test_the_code_of_the_set_up_does_not_sign_in(
    client: TestClient, db: Session, ada: User, clock: time_machine.Traveller
) -> None:
    second_factor.begin(db, ada)
    code = code_at(ada)
    second_factor.confirm(db, ada, code)
    enter(client)
    assert client.post("/sign-in/code", data={"code": code}).status_code == 422


@pytest.mark.both_databases
def test_of_concurrent_uses_of_a_code_one_succeeds(
    db: Session, protected: User, new_session: Callable[[], Session]
) -> None:
    code = code_at(protected)

    def use(_number: int) -> bool:
        with new_session() as own:
            try:
                second_factor.accept(own, own.get_one(User, protected.id), code)
            except second_factor.WrongCode:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1


def test_a_recovery_code_works_once_in_any_notation(
    client: TestClient, db: Session, protected: User
) -> None:
    code = second_factor.renew_recovery_codes(db, protected)[0]
    enter(client)
    typed = code.upper().replace("-", " ")
    assert client.post("/sign-in/code", data={"code": typed}).url.path == "/account"
    assert "9 unused recovery codes" in client.get("/account").text
    client.post("/sign-out")
    enter(client)
    assert client.post("/sign-in/code", data={"code": code}).status_code == 422


def test_new_recovery_codes_replace_the_old_ones(db: Session, protected: User) -> None:
    old = second_factor.renew_recovery_codes(db, protected)[0]
    second_factor.renew_recovery_codes(db, protected)
    with pytest.raises(second_factor.WrongCode):
        second_factor.accept(db, protected, old)
    stored = db.scalars(select(RecoveryCode.code_hash)).all()
    assert len(stored) == RECOVERY_CODES
    assert old not in stored


def test_wrong_codes_are_limited(
    client: TestClient, protected: User, clock: time_machine.Traveller
) -> None:
    enter(client)
    for _ in range(CODES_PER_USER.tries):
        assert client.post("/sign-in/code", data={"code": "000000"}).status_code == 422
    refused = client.post("/sign-in/code", data={"code": code_at(protected)})
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "901"


def test_switch_the_second_factor_off(sign_in: SignIn, client: TestClient, protected: User) -> None:
    enter(client)
    client.post("/sign-in/code", data={"code": code_at(protected)})
    answer = client.post(f"{PAGE}/off")
    assert "Your second factor is off" in answer.text
    client.post("/sign-out")
    assert enter(client) == "/account"
    assert client.post(f"{PAGE}/off").status_code == 409
    assert client.post(f"{PAGE}/recovery-codes").status_code == 409
    assert client.post(PAGE, data={"code": "123456"}).status_code == 409


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "\x00", "x" * 10_000])
def test_malformed_codes_are_refused(db: Session, protected: User, code: str) -> None:
    with pytest.raises(second_factor.WrongCode):
        second_factor.accept(db, protected, code)


def test_a_code_is_enough_for_a_step_up(
    client: TestClient, protected: User, clock: time_machine.Traveller
) -> None:
    enter(client)
    client.post("/sign-in/code", data={"code": code_at(protected)})
    clock.shift(timedelta(hours=2))
    page = client.get("/account/password")
    assert page.url.path == "/step-up"
    assert 'name="code"' in page.text
    form = {"code": "000000", "next": "/account/password"}
    assert client.post("/step-up", data=form).status_code == 422
    form["code"] = code_at(protected)
    assert client.post("/step-up", data=form).url.path == "/account/password"
