"""`imatch ledger`: audit, seal and statement, as text and JSON."""

import csv
import io
import json

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from imatch.accounts.models import User
from imatch.cli import app
from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from imatch.core.logs import configure_logs
from imatch.ledger import POT, post, queries
from imatch.ledger.auditing.audit import audit
from imatch.ledger.sealing.seals import seal
from tests.factories import Make
from tests.factories.movements import earn, fill
from tests.support.tampering import tamper


def run(*arguments: str) -> Result:
    configure_logs(to_stderr=True)  # as the command does
    return CliRunner().invoke(app, ["ledger", *arguments])


@pytest.fixture
def ids(db: Session, make: Make) -> dict[str, int]:
    return fill(db, make)


def test_a_sound_book_exits_with_0(db: Session, ids: dict[str, int]) -> None:
    result = run("audit", "--json")
    assert result.exit_code == 0
    pot, cash = json.loads(result.stdout)
    assert (pot["book"], pot["row_count"], pot["findings"]) == ("pot", 11, [])
    assert (cash["book"], cash["row_count"]) == ("cash", 0)
    assert "drift 0" in run("audit", "--book", "pot").stdout


def test_a_finding_is_printed_and_exits_with_1(db: Session, ids: dict[str, int]) -> None:
    seal(db, POT)
    tamper(db, "UPDATE pot_transactions SET description = 'x' WHERE id = :id", id=ids["spend"])
    result = run("audit", "--json", "--book", "pot")
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)[0]["findings"]
    assert (finding["row_id"], finding["problem"]) == (ids["spend"], "the sealed row's digest")
    result = run("audit", "--book", "pot")
    assert result.exit_code == 1
    assert f"pot row {ids['spend']}: the sealed row's digest" in result.stdout


def test_a_published_head_must_be_in_the_seals(db: Session, ids: dict[str, int]) -> None:
    (head,) = json.loads(run("seal", "--book", "pot", "--json").stdout)
    assert (head["rows_sealed"], head["sealed_to"]) == (11, ids["spend bo"])
    post(db, POT, earn(ids["ada"], 1, "more"))
    assert "1 rows sealed" in run("seal", "--book", "pot").stdout
    assert run("audit", "--book", "pot", "--head", head["head"]).exit_code == 0
    assert run("audit", "--book", "pot", "--head", "f" * 64).exit_code == 1
    assert run("audit", "--head", head["head"]).exit_code == 2


def test_a_result_that_cannot_be_stored_is_printed(sqlite_url: str) -> None:
    engine = database.bind(sqlite_url)
    with SessionLocal() as db:
        fill(db, Make(db))
        refusing = "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        with atomic(db):
            db.execute(text(f"CREATE TRIGGER full BEFORE INSERT ON ledger_audits {refusing}"))
    result = run("audit", "--json", "--book", "pot")
    assert result.exit_code == 1
    (pot,) = json.loads(result.stdout)
    assert (pot["row_count"], pot["finding_count"]) == (11, 1)
    assert "could not be noted for /health: disk full" in result.stderr
    engine.dispose()


def test_sealing_nothing_succeeds(db: Session) -> None:
    result = run("seal")
    assert result.exit_code == 0
    assert "pot: 0 rows sealed" in result.stdout


def test_a_large_book_is_audited_by_two_processes(
    db: Session, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imatch.cli.ledger._MIN_ROWS_FOR_TWO_PROCESSES", 1)
    assert run("audit", "--book", "pot").exit_code == 0
    assert audit(db, POT).findings == []


def test_a_statement_is_newest_first_and_adds_up(db: Session, ids: dict[str, int]) -> None:
    document = json.loads(run("statement", str(ids["ada"]), "--json").stdout)
    assert (document["balance"], document["held"], document["free"]) == (915, 0, 915)
    amounts = [entry["amount"] for entry in document["entries"]]
    assert amounts == [500, -45, -60, -40, 500]
    assert document["entries"][0]["balance_after"] == 915
    few = json.loads(run("statement", str(ids["ada"]), "--limit", "2", "--json").stdout)
    assert [entry["amount"] for entry in few["entries"]] == [500, -45]


def test_a_statement_by_email_address(db: Session, ids: dict[str, int]) -> None:
    user = db.get(User, ids["bo"])
    assert user is not None
    result = run("statement", user.email)
    assert result.exit_code == 0
    assert "rush_match" in result.stdout


def test_csv_has_every_entry(
    db: Session, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imatch.cli.ledger._PAGE_ROWS", 2)
    rows = list(csv.DictReader(io.StringIO(run("statement", str(ids["ada"]), "--csv").stdout)))
    assert [row["amount"] for row in rows] == ["500", "-45", "-60", "-40", "500"]
    assert rows[-1]["description"] == "Ünï"
    assert rows[2]["phase"] == "hold"


def test_a_statement_of_an_empty_book(db: Session, ids: dict[str, int]) -> None:
    document = json.loads(run("statement", str(ids["ada"]), "--book", "cash", "--json").stdout)
    assert (document["unit"], document["balance"], document["entries"]) == ("cents", 0, [])
    assert queries.head(db, POT) is None


@pytest.mark.parametrize("user", ["0", "987654321", str(10**30), "nobody@example.org", "x"])
def test_an_unknown_person_is_refused(db: Session, ids: dict[str, int], user: str) -> None:
    result = run("statement", user)
    assert result.exit_code == 1
    assert "There is no account" in str(result.exception)
