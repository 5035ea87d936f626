"""Operators see the economy's numbers, what a change would do, and decide by two."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import AccountType, User
from imatch.core.clock import frozen, today
from imatch.pot import policy
from tests.make import Make

SignIn = Callable[[User], TestClient]
CHANGE = {"name": "yearly_growth", "value": "0.2", "reason": "Growth is faster than planned."}


def test_a_change_is_checked_proposed_and_approved(
    db: Session, make: Make, sign_in: SignIn
) -> None:
    policy.genesis(db)
    policy.run_week(db)
    one, two = (make.user(account_type=AccountType.OPERATOR, name=name) for name in ("Ann", "Bo"))
    browser = sign_in(one)
    checked = browser.post("/console/policy/check", data=CHANGE)
    assert checked.status_code == 200
    assert "What this would do" in checked.text
    assert policy.current(db).yearly_growth == 0.1

    assert browser.post("/console/policy", data=CHANGE).status_code == 200
    page = browser.get("/console/policy").text
    assert "You proposed this: another operator decides." in page
    assert browser.post("/console/policy/2/approve").status_code == 403

    browser = sign_in(two)
    page = browser.get("/console/policy").text
    assert "Proposed by Ann" in page
    assert "Yearly growth" in page
    assert browser.post("/console/policy/2/approve").status_code == 200
    db.rollback()
    assert policy.current(db).yearly_growth == 0.2
    assert browser.post("/console/policy/2/reject").status_code == 409


def test_a_change_comes_into_effect_on_a_day(db: Session, make: Make, sign_in: SignIn) -> None:
    policy.genesis(db)
    one, two = (make.user(account_type=AccountType.OPERATOR) for _ in range(2))
    sign_in(one).post("/console/policy", data=CHANGE)
    browser = sign_in(two)
    approve = "/console/policy/2/approve"
    for bad in ("soon", "2020-01-01", "0001-01-01"):
        assert browser.post(approve, data={"on": bad}).status_code == 422
    tomorrow = today() + timedelta(days=1)
    assert browser.post(approve, data={"on": tomorrow.isoformat()}).status_code == 200
    db.rollback()
    assert policy.current(db).yearly_growth == 0.1
    with frozen(datetime.combine(tomorrow, time(), UTC)):
        assert policy.current(db).yearly_growth == 0.2


def test_bad_changes_are_refused_beside_the_form(db: Session, make: Make, sign_in: SignIn) -> None:
    policy.genesis(db)
    browser = sign_in(make.user(account_type=AccountType.OPERATOR))
    for bad in (
        {"name": "yearly_growth", "value": "much"},
        {"name": "genesis_pot", "value": "1"},
        {"name": "", "value": ""},
        {"name": "yearly_growth", "value": "0.2", "reason": " "},
    ):
        answer = browser.post("/console/policy", data={"reason": "Why not.", **bad})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    assert "None yet." not in browser.get("/console/policy").text
    assert browser.post("/console/policy/99/approve").status_code == 404
