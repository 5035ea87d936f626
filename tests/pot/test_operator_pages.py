"""Operators deliver orders and approve each other's grants; nobody else does, and nothing twice."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import AccountType, User, UserSession
from imatch.core.database import atomic
from imatch.ledger import POT
from imatch.ledger.queries import account
from imatch.pot.awards import grants
from imatch.pot.service import POTService
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from tests.make import Make

SignIn = Callable[[User], TestClient]


@pytest.fixture
def operator(make: Make) -> User:
    return make.user(account_type=AccountType.OPERATOR, name="Olga Example")


@pytest.fixture
def buyer(db: Session, make: Make) -> User:
    person = make.user(email="ana@example.org", name="Ana Example")
    POTService(db).award_pot(person.id, "bug_report", amount=300)
    return person


@pytest.fixture
def ordered(db: Session, buyer: User) -> PotPurchase:
    return shop.buy(db, buyer.id, "workshop", key="1", amount=75, note="In May, please")


def has(db: Session, person: User) -> tuple[int, int]:
    db.rollback()
    found = account(db, POT, person.id)
    return (found.balance - found.held, found.held) if found else (0, 0)


def test_today_counts_what_waits(
    db: Session, operator: User, ordered: PotPurchase, make: Make, sign_in: SignIn
) -> None:
    colleague = make.user(account_type=AccountType.OPERATOR)
    grants.propose(db, ordered.user_id, 5, "bug_report", "Because", operator_id=colleague.id)
    page = sign_in(operator).get("/console").text
    assert "1 order waits" in page
    assert "1 grant waits for a second operator" in page
    assert 'href="/console/orders"' in page
    assert 'href="/console/grants"' in page


def test_an_order_is_delivered_once(
    db: Session, operator: User, buyer: User, ordered: PotPurchase, sign_in: SignIn
) -> None:
    client = sign_in(operator)
    page = client.get("/console/orders").text
    for shown in ("Workshop", "Ana Example", "ana@example.org", "In May, please", "Due"):
        assert shown in page
    address = f"/console/orders/{ordered.id}/deliver"
    for bad in ("bell\x07", "n" * 301):
        assert client.post(address, data={"note": bad}).status_code == 422
    assert has(db, buyer) == (225, 75)
    done = client.post(address, data={"note": "See you in room 4"}, follow_redirects=False)
    assert done.headers["location"] == "/console/orders"
    assert has(db, buyer) == (225, 0)
    assert shop_queries.purchases(db, buyer.id)[0].note == "See you in room 4"
    assert client.post(address).status_code == 409
    assert client.post(f"/console/orders/{ordered.id}/cancel").status_code == 409
    assert "Nothing to deliver" in client.get("/console/orders").text


def test_a_cancelled_order_gives_its_pot_back(
    db: Session, operator: User, buyer: User, ordered: PotPurchase, sign_in: SignIn
) -> None:
    client = sign_in(operator)
    assert client.post(f"/console/orders/{ordered.id}/cancel").status_code == 200
    assert has(db, buyer) == (300, 0)
    for number in (0, ordered.id + 99, 10**30):
        assert client.post(f"/console/orders/{number}/cancel").status_code == 404
        assert client.post(f"/console/orders/{number}/deliver").status_code == 404


def test_a_grant_is_proposed_by_one_and_given_by_another(
    db: Session, operator: User, buyer: User, make: Make, sign_in: SignIn
) -> None:
    second = make.user(account_type=AccountType.OPERATOR, name="Otto Example")
    form = {
        "person": " ANA@example.org ",
        "pot": "1,000",
        "category": "bug_report",
        "reason": "Found <b>a</b> hole",
    }
    client = sign_in(operator)
    filed = client.post("/console/grants", data=form, follow_redirects=False)
    assert filed.headers["location"] == "/console/grants"
    page = client.get("/console/grants").text
    assert "Found &lt;b&gt;a&lt;/b&gt; hole" in page
    assert "You proposed this: another operator decides." in page
    (waiting,) = grants.proposed(db)
    approve = f"/console/grants/{waiting.id}/approve"
    assert client.post(approve).status_code == 409
    assert has(db, buyer) == (300, 0)
    client = sign_in(second)
    assert "Give 1,000 POT" in client.get("/console/grants").text
    assert client.post(approve).status_code == 200
    assert has(db, buyer) == (1_300, 0)
    assert client.post(approve).status_code == 409
    assert client.post(f"/console/grants/{waiting.id}/reject").status_code == 409
    assert client.post(f"/console/grants/{10**30}/approve").status_code == 404
    assert has(db, buyer) == (1_300, 0)
    assert "Otto Example" in client.get("/console/grants").text


def test_approving_needs_a_fresh_proof(
    db: Session, operator: User, buyer: User, make: Make, sign_in: SignIn
) -> None:
    colleague = make.user(account_type=AccountType.OPERATOR)
    grant = grants.propose(db, buyer.id, 5, "bug_report", "Because", operator_id=colleague.id)
    client = sign_in(operator)
    with atomic(db):
        db.execute(update(UserSession).values(stepped_up_at=None))
    answer = client.post(f"/console/grants/{grant.id}/approve", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/step-up")
    assert has(db, buyer) == (300, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person", "nobody@example.org"),
        ("person", "9" * 40),
        ("person", ""),
        ("pot", "0"),
        ("pot", "-5"),
        ("pot", "1.5"),
        ("pot", "1" + "0" * 30),
        ("pot", "1000001"),
        ("category", "kindness"),
        ("category", ""),
        ("reason", " "),
        ("reason", "r" * 301),
    ],
)
def test_bad_grants_are_refused_beside_the_field(
    db: Session, operator: User, buyer: User, sign_in: SignIn, field: str, value: str
) -> None:
    form = {"person": str(buyer.id), "pot": "5", "category": "bug_report", "reason": "Because"}
    answer = sign_in(operator).post("/console/grants", data={**form, field: value})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert grants.proposed(db) == []
