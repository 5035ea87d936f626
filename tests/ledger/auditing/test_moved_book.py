"""A book moved from SQLite to PostgreSQL still matches its seals."""

from typing import Any

import pytest
from sqlalchemy import Connection

from imatch.core import database
from imatch.core.database import SessionLocal
from imatch.ledger import POT, post
from imatch.ledger.auditing.audit import audit
from imatch.ledger.sealing.seals import seal
from tests.factories import Make
from tests.factories.movements import earn, fill
from tests.support.tampering import tamper

_MOVED = (
    "users",
    "pot_accounts",
    "pot_transactions",
    "ledger_seals",
    "ledger_day_sums",
    "ledger_hour_sums",
)


def _read(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name}").mappings()]
        for name in _MOVED
    }


def _write(connection: Connection, tables: dict[str, list[dict[str, Any]]]) -> None:
    """The value as text, which the column type parses."""
    connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'")
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    for name, rows in tables.items():
        for row in rows:
            values = [
                value if value is None or isinstance(value, bytes) else str(value)
                for value in row.values()
            ]
            marks = ", ".join(["%s"] * len(row))
            columns = ", ".join(row)
            connection.exec_driver_sql(
                f"INSERT INTO {name} ({columns}) VALUES ({marks})", tuple(values)
            )
    connection.exec_driver_sql("SELECT setval('pot_transactions_id_seq', 11)")


@pytest.mark.postgresql
def test_a_book_that_moved_fits_its_seals(sqlite_url: str, postgresql_url: str) -> None:
    old = database.bind(sqlite_url)
    with SessionLocal() as db:
        ids = fill(db, Make(db))
        seal(db, POT, max_rows=6)
        seal(db, POT)
    with old.connect() as connection:
        tables = _read(connection)
    old.dispose()

    new = database.bind(postgresql_url)
    with new.begin() as connection:
        _write(connection, tables)
    with SessionLocal() as db:
        result = audit(db, POT)
        assert [str(finding) for finding in result.findings] == []
        assert result.head == tables["ledger_seals"][1]["hash"]
        post(db, POT, earn(ids["ada"], 1, "after the move"))
        assert seal(db, POT) == 1
        assert audit(db, POT).findings == []
        tamper(db, "UPDATE pot_transactions SET metadata = NULL WHERE id = :id", id=ids["earn"])
        assert [finding.row_id for finding in audit(db, POT).findings] == [ids["earn"]]
    new.dispose()
