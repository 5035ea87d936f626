"""Invalid numbers, dates and JSON are findings of the audit, and do not stop it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import POT, post, queries
from imatch.ledger.auditing.audit import Audit, audit
from imatch.ledger.models import LedgerAudit
from imatch.ledger.sealing.seals import seal
from imatch.ledger.tasks import audit_ledger
from tests.factories import Make
from tests.factories.movements import earn, fill, spend
from tests.support.tampering import tamper, unguarded

pytestmark = pytest.mark.both_databases

SEAL = "the {} of the seal that ends at row 11"


@pytest.fixture
def on_sqlite(sqlite_url: str) -> Iterator[Session]:
    """SQLite stores any value in any column."""
    engine = database.bind(sqlite_url)
    with SessionLocal() as db:
        yield db
    engine.dispose()


@pytest.fixture
def ids(on_sqlite: Session) -> dict[str, int]:
    """A book with two seals and two rows after them."""
    return filled(on_sqlite, Make(on_sqlite))


def filled(db: Session, make: Make) -> dict[str, int]:
    ids = fill(db, make)
    seal(db, POT, max_rows=6)
    seal(db, POT)
    ids["tail"] = post(db, POT, earn(ids["ada"], 7, "tail")).id
    ids["tail end"] = post(db, POT, spend(ids["ada"], 3, "tail end")).id
    return ids


def forge(db: Session, statement: str, **values: object) -> None:
    """Like `tamper`, without CHECKs."""
    with atomic(db):
        db.connection().exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        tamper(db, statement, **values)
        db.connection().exec_driver_sql("PRAGMA ignore_check_constraints = OFF")


def problems(result: Audit) -> list[str]:
    return [finding.problem for finding in result.findings]


@pytest.mark.parametrize("column", ["balance", "held", "version", "earned"])
def test_an_account_with_a_text_for_a_number_is_named(
    on_sqlite: Session, ids: dict[str, int], column: str
) -> None:
    forge(on_sqlite, f"UPDATE pot_accounts SET {column} = 'abc' WHERE user_id = :id", id=ids["bo"])
    result = audit(on_sqlite, POT)
    (finding,) = [finding for finding in result.findings if finding.user_id == ids["bo"]]
    assert (finding.problem, finding.found) == (f"the account's {column}", "abc")
    assert (result.row_count, result.account_count, result.seal_count) == (13, 2, 2)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("system_balances", "'[]'"),
        ("system_balances", "'no JSON'"),
        ("system_balances", "x'80'"),
        ("row_digests", "'text'"),
        ("row_count", "'x'"),
        ("from_id", "'x'"),
        ("hash", "x'00'"),
        ("previous_hash", "x'00'"),
        ("created_at", "'yesterday'"),
        ("created_at", "''"),
    ],
)
def test_a_seal_with_another_kind_of_value_is_named(
    on_sqlite: Session, ids: dict[str, int], column: str, value: str
) -> None:
    forge(on_sqlite, f"UPDATE ledger_seals SET {column} = {value} WHERE to_id = 11")
    forge(on_sqlite, "UPDATE pot_transactions SET description = 'x' WHERE id = :id", id=ids["earn"])
    result = audit(on_sqlite, POT)
    assert problems(result).count(SEAL.format(column)) == 1
    assert (result.row_count, result.seal_count, result.sealed_to) == (13, 2, 11)
    # Other changes are still found.
    assert ids["earn"] in {f.row_id for f in result.findings if "sealed row" in f.problem}


@pytest.mark.parametrize(
    "change",
    [
        "row_count = 9223372036854775807",
        "row_count = -5",
        "from_id = -9223372036854775808",
        """system_balances = '{"mint": "x", "\\ud800": null}'""",
        "row_digests = x''",
        "to_id = 'x'",
    ],
)
def test_a_seal_with_a_value_beyond_all_bounds_is_a_finding(
    on_sqlite: Session, ids: dict[str, int], change: str
) -> None:
    forge(on_sqlite, f"UPDATE ledger_seals SET {change} WHERE to_id = 11")
    result = audit(on_sqlite, POT)
    assert any("seal" in problem for problem in problems(result))
    assert (result.row_count, result.account_count) == (13, 2)


@pytest.mark.parametrize("table", ["ledger_day_sums", "ledger_hour_sums"])
@pytest.mark.parametrize(
    "change",
    ["day = 'soon'", "day = x'80'", "row_count = 'x'", "amount = 'x'", "row_count = 1e999"],
)
def test_a_sum_with_another_kind_of_value_is_named(
    on_sqlite: Session, ids: dict[str, int], table: str, change: str
) -> None:
    forge(on_sqlite, f"UPDATE {table} SET {change} WHERE category = 'policy'")
    named = [problem for problem in problems(audit(on_sqlite, POT)) if "policy" in problem]
    assert named
    assert all("the sealed sum of the" in problem for problem in named)


@pytest.mark.parametrize("hour", ["'x'", "x'80'"])
def test_a_sum_of_no_hour_is_named(on_sqlite: Session, ids: dict[str, int], hour: str) -> None:
    forge(on_sqlite, f"UPDATE ledger_hour_sums SET hour = {hour} WHERE category = 'policy'")
    assert [problem for problem in problems(audit(on_sqlite, POT)) if "policy" in problem]


@pytest.mark.parametrize("row", ["earn", "open hold", "void", "tail"])
@pytest.mark.parametrize("column", ["amount", "held_after", "balance_before", "counter_account"])
def test_a_row_with_bytes_for_another_value_is_named(
    on_sqlite: Session, ids: dict[str, int], row: str, column: str
) -> None:
    forge(on_sqlite, f"UPDATE pot_transactions SET {column} = x'6162' WHERE id = :id", id=ids[row])
    result = audit(on_sqlite, POT)
    assert ids[row] in {finding.row_id for finding in result.findings}
    assert (result.row_count, result.account_count, result.seal_count) == (13, 2, 2)


def test_a_sealed_row_with_no_date_is_named(on_sqlite: Session, ids: dict[str, int]) -> None:
    forge(
        on_sqlite, "UPDATE pot_transactions SET created_at = 'soon' WHERE id = :id", id=ids["earn"]
    )
    findings = audit(on_sqlite, POT).findings
    assert ids["earn"] in {finding.row_id for finding in findings}


def test_what_cannot_be_read_at_all_is_a_finding_that_the_job_notes(
    on_sqlite: Session, ids: dict[str, int]
) -> None:
    """SQLite's driver raises when it reads invalid UTF-8."""
    forge(
        on_sqlite,
        "UPDATE pot_transactions SET counter_account = CAST(x'80' AS TEXT) WHERE id = :id",
        id=ids["tail"],
    )
    finding = next(
        finding
        for finding in audit(on_sqlite, POT).findings
        if finding.problem == "rows and accounts"
    )
    assert finding.found.startswith("could not be read: OperationalError: Could not decode")
    audit_ledger()
    noted = {result.book: result.finding_count for result in queries.last_audits(on_sqlite)}
    assert noted["pot"] > 0
    assert noted["cash"] == 0


def test_a_missing_table_is_a_finding(on_sqlite: Session, ids: dict[str, int]) -> None:
    with atomic(on_sqlite):
        on_sqlite.execute(text("DROP TABLE ledger_seals"))
    result = audit(on_sqlite, POT)
    assert {"the seals", "the table ledger_seals"} <= set(problems(result))
    assert result.account_count == 2


def test_a_note_that_cannot_be_read_is_replaced(on_sqlite: Session, ids: dict[str, int]) -> None:
    audit_ledger()
    forge(on_sqlite, "UPDATE ledger_audits SET ended_at = 'never' WHERE book = 'pot'")
    audit_ledger()
    on_sqlite.rollback()
    assert [result.book for result in queries.last_audits(on_sqlite)] == ["pot", "cash"]
    assert on_sqlite.query(LedgerAudit).count() == 2


@pytest.mark.parametrize("balances", ["[]", '"x"', "null", '{"mint": "x"}', '{"mint": null}'])
def test_json_that_is_no_balance_is_found_on_both_databases(
    db: Session, make: Make, balances: str
) -> None:
    filled(db, make)
    tamper(db, "UPDATE ledger_seals SET system_balances = :json WHERE to_id = 11", json=balances)
    result = audit(db, POT)
    assert any("the seal" in problem or "last seal" in problem for problem in problems(result))
    assert (result.row_count, result.account_count, result.seal_count) == (13, 2, 2)


@pytest.mark.postgresql
def test_a_moment_without_end_is_found(postgresql_url: str) -> None:
    engine = database.bind(postgresql_url)
    with SessionLocal() as db:
        filled(db, Make(db))
        with unguarded(db):
            db.execute(text("UPDATE ledger_seals SET created_at = 'infinity' WHERE to_id = 11"))
            db.execute(
                text("UPDATE ledger_day_sums SET day = 'infinity' WHERE category = 'policy'")
            )
        result = audit(db, POT)
        assert SEAL.format("created_at") in problems(result)
        assert any("sealed sum" in problem for problem in problems(result))
        assert (result.row_count, result.account_count, result.seal_count) == (13, 2, 2)
    engine.dispose()
