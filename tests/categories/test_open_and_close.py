"""Operators open and close categories."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.categories.models import Category
from tests.factories import Make
from tests.support.clients import SignIn


@pytest.fixture
def operator(make: Make) -> User:
    return make.operator()


def test_categories_open_and_close(
    sign_in: SignIn, operator: User, db: Session, client: TestClient
) -> None:
    sign_in(operator)
    therapists = select(Category.active).where(Category.name == "therapists")
    assert "Therapists" in client.post("/console/categories/therapists/activate").text
    assert db.scalar(therapists) is True
    client.post("/console/categories/therapists/deactivate")
    db.rollback()
    assert db.scalar(therapists) is False
    assert client.post("/console/categories/nothing/activate").status_code == 404


@pytest.mark.parametrize("act", ["activate", "deactivate"])
def test_the_log_says_who_did_it(
    sign_in: SignIn, operator: User, capsys: pytest.CaptureFixture[str], act: str
) -> None:
    answer = sign_in(operator).post(f"/console/categories/therapists/{act}", follow_redirects=False)
    assert answer.headers["location"] == "/console/categories"
    line = next(line for line in capsys.readouterr().out.splitlines() if "operator_act" in line)
    for written in (f"act={act}_category", f"operator_id={operator.id}", "category=therapists"):
        assert written in line
