"""`imatch users`, and the rules for operator accounts."""

import json
import re
import subprocess
import sys

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from typer.testing import CliRunner

from imatch.accounts import queries
from imatch.accounts.errors import BadEmail
from imatch.accounts.models import AccountType, User
from imatch.accounts.service import administration, second_factor
from imatch.accounts.service.profile import BadName
from imatch.accounts.service.recovery import BadPassword
from imatch.cli import app
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.security import hash_password
from tests.factories import Make
from tests.factories.accounts import ADA, PASSWORD


@pytest.fixture
def ada(make: Make) -> User:
    return make.ada()


def users(*arguments: str, stdin: str | None = None) -> str:
    result = CliRunner().invoke(app, ["users", *arguments], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_create_an_operator_with_a_piped_password(client: TestClient, db: Session) -> None:
    operator = json.loads(users("create-operator", ADA, "--name", "Ada", "--json", stdin=PASSWORD))
    assert (operator["account_type"], operator["confirmed"]) == ("operator", True)
    answer = client.post("/sign-in", data={"email": ADA, "password": PASSWORD})
    assert answer.url.path == "/account"
    assert "You run the marketplace" in answer.text


def test_create_an_operator_with_a_link(client: TestClient, database_url: str) -> None:
    output = users("create-operator", ADA, "--link")
    path = re.search(r"http://127\.0\.0\.1:8401(/reset/\S+)", output)
    assert path
    assert client.post(path[1], data={"password": PASSWORD}).url.path == "/account"
    assert client.post(path[1], data={"password": PASSWORD}).status_code == 410


def test_list_show_deactivate_and_end_sessions(db: Session, ada: User, make: Make) -> None:
    make.user(account_type=AccountType.PROVIDER)
    make.session(ada)
    listed = json.loads(users("list", "--json"))
    assert [row["account_type"] for row in listed] == ["provider", "seeker"]
    assert ADA in users("list", "--type", "seeker")
    assert json.loads(users("show", ADA, "--json"))["browsers"] == 1
    assert "Ada Example" in users("show", ADA)
    assert json.loads(users("end-sessions", ADA, "--json")) == {"email": ADA, "ended": 1}
    assert "0 browsers" in users("end-sessions", ADA)
    assert "closed" in users("deactivate", ADA)
    assert json.loads(users("deactivate", ADA, "--json"))["active"] is False


def test_remove_the_second_factor_of_somebody_who_lost_it(db: Session, ada: User) -> None:
    second_factor.begin(db, ada)
    with atomic(db):
        ada.totp_confirmed_at = now()
    assert "without a second factor" in users("remove-second-factor", ADA)
    with atomic(db):
        assert db.get_one(User, ada.id, populate_existing=True).totp_secret is None
    refused = CliRunner().invoke(app, ["users", "remove-second-factor", ADA, "--json"])
    assert isinstance(refused.exception, second_factor.SecondFactorIsOff)


def test_an_account_that_becomes_an_operator_loses_sessions_and_password(
    db: Session, make: Make
) -> None:
    user = make.user(email=ADA, password_hash=hash_password("chosen by a stranger"))
    with atomic(db):
        user.email_confirmed_at = None
    make.session(user)
    operator = administration.create_operator(db, email=ADA, name="Ada", password=None)
    assert operator.id == user.id
    assert (operator.account_type, operator.password_hash) == (AccountType.OPERATOR, None)
    assert queries.sessions_of(db, user.id) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [({"email": "ada"}, BadEmail), ({"name": ""}, BadName), ({"password": "short"}, BadPassword)],
)
def test_invalid_input_creates_no_operator(
    db: Session, change: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        administration.create_operator(
            db, **{"email": ADA, "name": "Ada", "password": PASSWORD, **change}
        )
    assert db.scalars(select(User)).all() == []


def test_a_missing_password_is_wrong_usage(database_url: str) -> None:
    result = CliRunner().invoke(app, ["users", "create-operator", ADA], input="")
    assert result.exit_code == 2


def test_an_unknown_account_is_one_clear_line(sqlite_url: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "imatch", "users", "show", "nobody@example.org"],
        capture_output=True,
        text=True,
        check=False,
        env={"IMATCH_DATABASE_URL": sqlite_url},
    )
    assert result.returncode == 1
    assert "There is no account with the address nobody@example.org." in result.stderr
    assert "Traceback" not in result.stderr
