"""The pages to redeem: without JavaScript, step by step, idempotent."""

import re
from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.deps import cookie_name
from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.pot import holds
from imatch.pot.models import PotRedemption
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption.models import PotPayee
from imatch.pot.reserve.coverage import coverage
from tests.factories import Make
from tests.factories.redemptions import IBAN
from tests.support.balances import free_pot
from tests.support.clients import SignIn

HOME = "/wallet/redeem"
DESK = "/console/redemptions"


def refresh(db: Session) -> None:
    """Discard the session's state, to see what an HTTP request has changed."""
    db.rollback()
    db.expire_all()


def requests_of(db: Session, person: User) -> list[PotRedemption]:
    refresh(db)
    return list(redemption_queries.of_person(db, person.id))


def key_on(page: str) -> str:
    match = re.search(r'name="key" value="([^"]+)"', page)
    assert match
    return match[1]


def enter(sign_in: SignIn, db: Session, person: User) -> TestClient:
    """Sign in; gives the second factor if the person has one."""
    since = person.totp_confirmed_at
    person.totp_confirmed_at = None
    client = sign_in(person)
    person.totp_confirmed_at = since
    db.commit()
    return client


def test_redeeming_is_off_by_default(db: Session, make: Make, sign_in: SignIn) -> None:
    person = make.redeemer()
    client = enter(sign_in, db, person)
    page = client.get(HOME)
    assert page.status_code == 200
    assert "switched off" in page.text
    assert "See what it brings" not in page.text
    assert client.get(f"{HOME}/check?pot=100").status_code == 409
    form = {"pot": "100", "payment_method": "bank_transfer", "key": "k"}
    assert client.post(HOME, data=form).status_code == 409
    assert requests_of(db, person) == []


@pytest.mark.usefixtures("cash_redemption_on")
def test_preview_request_and_cancel(db: Session, make: Make, sign_in: SignIn) -> None:
    person = make.redeemer()
    client = enter(sign_in, db, person)
    before = free_pot(db, person)
    page = client.get(HOME)
    assert page.headers["cache-control"] == "no-store"
    assert "See what it brings" in page.text
    assert "•••• 3000" in page.text
    assert IBAN not in page.text
    page = client.get(f"{HOME}/check", params={"pot": "1 25"})
    for shown in ("125 POT", "$125", "−$25", "$100", "Paid on or after"):
        assert shown in page.text
    form = {"pot": "125", "payment_method": "bank_transfer", "key": key_on(page.text)}
    for _ in range(2):  # pressed twice
        answer = client.post(HOME, data=form, follow_redirects=False)
        assert answer.headers["location"] == f"{HOME}?saved=requested"
    (request,) = requests_of(db, person)
    assert (request.pot_amount, request.status) == (125, "pending")
    page = client.get(f"{HOME}?saved=requested")
    assert "Your request is filed" in page.text
    assert "Take back" in page.text
    assert client.post(HOME, data={**form, "pot": "126"}).status_code == 409
    for _ in range(2):
        client.post(f"{HOME}/{request.id}/cancel")
    assert requests_of(db, person)[0].status == "cancelled"
    assert free_pot(db, person) >= before


@pytest.mark.usefixtures("cash_redemption_on")
@pytest.mark.parametrize(
    ("pot", "status", "words"),
    [
        ("99", 409, "at least 100 POT"),
        ("251", 409, "At most 250 POT"),
        ("", 422, "whole number"),
        ("-100", 422, "whole number"),
        ("100.5", 422, "whole number"),
        ("1" + "0" * 30, 422, "whole number"),
        ("٢٠٠", 422, "whole number"),
        ("100\x00", 422, "whole number"),
        ("<b>9</b>", 422, "whole number"),
    ],
)
def test_other_amounts_are_refused_beside_the_field(
    db: Session, make: Make, sign_in: SignIn, pot: str, status: int, words: str
) -> None:
    person = make.redeemer()
    client = enter(sign_in, db, person)
    form = {"pot": pot, "payment_method": "bank_transfer", "key": "k"}
    for answer in (client.get(f"{HOME}/check?pot={quote(pot)}"), client.post(HOME, data=form)):
        assert answer.status_code == status
        assert words in answer.text
        assert 'href="#pot"' in answer.text
        assert "<b>9" not in answer.text
    assert requests_of(db, person) == []


@pytest.mark.usefixtures("cash_redemption_on")
def test_unknown_methods_and_requests_of_others_are_refused(
    db: Session, make: Make, sign_in: SignIn
) -> None:
    person, other = make.redeemer(), make.redeemer()
    other_request = make.redemption(other, 100)
    client = enter(sign_in, db, person)
    form = {"pot": "100", "key": "k"}
    assert client.post(HOME, data={**form, "payment_method": "cash"}).status_code == 422
    assert client.post(HOME, data=form).status_code == 422
    right = {"pot": "100", "payment_method": "bank_transfer"}
    assert client.post(HOME, data=right).status_code == 422  # no key
    for number in (other_request.id, other_request.id + 99, 10**30):
        assert client.post(f"{HOME}/{number}/cancel").status_code == 404
    assert requests_of(db, person) == []
    assert requests_of(db, other)[0].status == "pending"


def test_payout_details_need_a_proof_and_keep_what_was_typed(
    db: Session, make: Make, sign_in: SignIn
) -> None:
    person = make.trusted_user(totp_confirmed_at=None, name="Ada Example")
    client = sign_in(person)
    details = {"name": "Ada Example", "country": "DE", "account": "DE00 1234", "bank_code": ""}
    answer = client.post(f"{HOME}/payee", data=details)
    assert answer.status_code == 422
    assert "DE00 1234" in answer.text
    answer = client.post(f"{HOME}/payee", data={**details, "account": IBAN})
    assert "Your payout details are saved" in answer.text
    refresh(db)
    payee = db.get_one(PotPayee, person.id)
    assert payee.details["account"] == IBAN
    assert payee.identity_verified_at is None


@pytest.mark.usefixtures("cash_redemption_on")
def test_redeeming_needs_a_recent_proof_of_identity(make: Make, client: TestClient) -> None:
    for account_type, paths in (
        ("provider", [f"{HOME}/payee", f"{HOME}/check"]),
        ("operator", [f"{DESK}/export", f"{DESK}/1/approve", f"{DESK}/1/paid"]),
    ):
        person = make.trusted_user(totp_confirmed_at=None, account_type=account_type)
        client.cookies.set(cookie_name(), make.session(person, stepped_up=False))
        for path in paths:
            ask = client.post if path.startswith(DESK) else client.get
            answer = ask(path, follow_redirects=False)
            assert answer.headers["location"].startswith("/step-up"), path


@pytest.mark.usefixtures("cash_redemption_on")
def test_two_operators_verify_approve_and_pay(db: Session, make: Make, sign_in: SignIn) -> None:
    person = make.redeemer(name="Ada Example")
    with atomic(db):
        db.get_one(PotPayee, person.id).identity_verified_at = None
    client = sign_in(make.approver)
    assert "Identities to verify: 1" in client.get(DESK).text
    assert IBAN in client.get(f"{DESK}/people/{person.id}").text
    client.post(f"{DESK}/people/{person.id}/verify")
    request = make.redemption(person, 125)
    page = client.get(DESK).text
    assert "Waiting for a decision: 1" in page
    current = coverage(db)
    assert f"Coverage {current.ratio:.2f}" in page
    assert "Reserve ÷ sum of all allowances" in page
    assert "Every gate and limit lets it through" in client.get(f"{DESK}/{request.id}").text
    client.post(f"{DESK}/{request.id}/approve")
    assert "another operator must pay it" in client.get(f"{DESK}/{request.id}").text
    answer = client.post(f"{DESK}/{request.id}/paid", data={"bank_reference": "B-1"})
    assert answer.status_code == 403

    client = sign_in(make.payer)
    answer = client.post(f"{DESK}/{request.id}/paid", data={"bank_reference": "B-1"})
    assert answer.status_code == 409
    assert "due on" in answer.text
    make.due(request)
    answer = client.post(f"{DESK}/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    assert f"Ada Example,{IBAN},,DE,100.00,USD,REDEMPTION-{request.id}" in answer.text
    assert client.post(f"{DESK}/{request.id}/paid", data={}).status_code == 422
    for _ in range(2):
        answer = client.post(f"{DESK}/{request.id}/paid", data={"bank_reference": "B-1"})
        assert answer.status_code == 200
    again = client.post(f"{DESK}/{request.id}/paid", data={"bank_reference": "B-2"})
    assert again.status_code == 409
    assert requests_of(db, person)[0].bank_reference == "B-1"
    assert "Paid" in enter(sign_in, db, person).get(HOME).text


@pytest.mark.usefixtures("cash_redemption_on")
def test_operators_reject_and_hold_with_reasons(db: Session, make: Make, sign_in: SignIn) -> None:
    person = make.redeemer()
    request = make.redemption(person, 125)
    client = sign_in(make.approver)
    assert client.post(f"{DESK}/{request.id}/reject", data={"reason": " "}).status_code == 422
    assert client.post(f"{DESK}/people/{person.id}/hold", data={}).status_code == 422
    client.post(f"{DESK}/people/{person.id}/hold", data={"reason": "<i>Two</i> accounts."})
    page = client.get(f"{DESK}/{request.id}")
    assert "on hold" in page.text
    assert client.post(f"{DESK}/{request.id}/approve").status_code == 409
    page = client.get(f"{DESK}/people/{person.id}")
    assert "&lt;i&gt;Two" in page.text
    assert "awards out of the week’s budget wait until it is lifted" in page.text
    refresh(db)
    (hold,) = holds.holds_of(db, person.id)
    client.post(f"{DESK}/holds/{hold.id}/lift")
    client.post(f"{DESK}/{request.id}/reject", data={"reason": "Not <b>yours</b>."})
    assert "Not &lt;b&gt;yours" in enter(sign_in, db, person).get(HOME).text
    client = sign_in(make.approver)
    for path in (f"{DESK}/{10**30}", f"{DESK}/people/{10**30}", f"{DESK}/{request.id + 1}"):
        assert client.get(path).status_code == 404, path
    for path in (f"{DESK}/holds/{10**30}/lift", f"{DESK}/{10**30}/approve"):
        assert client.post(path).status_code == 404, path
    for path in (f"{DESK}/people/{10**30}/verify", f"{DESK}/people/{10**30}/hold"):
        assert client.post(path, data={"reason": "x"}).status_code == 404, path
