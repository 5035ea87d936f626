"""Operators approve each other's grants; nobody else does, and nothing twice."""

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from imatch.accounts.models import User, UserSession
from imatch.core.database import atomic
from imatch.pot.awards import grants
from tests.factories import Make
from tests.support.balances import free_and_held
from tests.support.clients import SignIn


@pytest.fixture
def operator(make: Make) -> User:
    return make.operator("Olga Example")


@pytest.fixture
def buyer(make: Make) -> User:
    return make.buyer(300, email="ana@example.org")


def test_today_counts_what_waits(operator: User, buyer: User, make: Make, sign_in: SignIn) -> None:
    make.purchase(buyer)
    make.grant(buyer, by=make.operator())
    page = sign_in(operator).get("/console").text
    assert "1 order waits" in page
    assert "1 grant waits for a second operator" in page
    assert 'href="/console/orders"' in page
    assert 'href="/console/grants"' in page


def test_a_grant_is_proposed_by_one_and_given_by_another(
    db: Session, operator: User, buyer: User, make: Make, sign_in: SignIn
) -> None:
    second = make.operator("Otto Example")
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
    assert free_and_held(db, buyer) == (300, 0)
    client = sign_in(second)
    assert "Give 1,000 POT" in client.get("/console/grants").text
    assert client.post(approve).status_code == 200
    assert free_and_held(db, buyer) == (1_300, 0)
    assert client.post(approve).status_code == 409
    assert client.post(f"/console/grants/{waiting.id}/reject").status_code == 409
    assert client.post(f"/console/grants/{10**30}/approve").status_code == 404
    assert free_and_held(db, buyer) == (1_300, 0)
    assert "Otto Example" in client.get("/console/grants").text


def test_approving_needs_a_fresh_proof(
    db: Session, operator: User, buyer: User, make: Make, sign_in: SignIn
) -> None:
    grant = make.grant(buyer, by=make.operator())
    client = sign_in(operator)
    with atomic(db):
        db.execute(update(UserSession).values(stepped_up_at=None))
    answer = client.post(f"/console/grants/{grant.id}/approve", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/step-up")
    assert free_and_held(db, buyer) == (300, 0)


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
