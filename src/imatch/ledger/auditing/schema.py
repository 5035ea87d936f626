"""Find out whether tables and triggers still guard the books as this release made them."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from imatch.core.columns import Base
from imatch.ledger.auditing import postgresql_schema, sqlite_schema
from imatch.ledger.auditing.findings import Findings
from imatch.ledger.books import Book
from imatch.ledger.models import LedgerAudit, LedgerDaySum, LedgerHourSum, LedgerSeal
from imatch.ledger.posting.statements import table
from imatch.ledger.triggers import TRIGGERS, Trigger

_OF_BOTH_BOOKS = (LedgerSeal, LedgerDaySum, LedgerHourSum, LedgerAudit)


def check_schema(db: Session, book: Book, findings: Findings) -> None:
    """Compare columns, constraints, unique indexes and triggers of a book's tables."""
    connection = db.connection()
    tables = tables_of(book)
    _check_triggers(connection, tables, findings)
    try:
        _check_definitions(connection, tables, findings)
    except DBAPIError as error:
        why, *_ = str(error.orig).splitlines()
        findings.add("the tables' definitions", expected="compared with this release's", found=why)


def tables_of(book: Book) -> list[Table]:
    kinds = (book.accounts, book.journal, *_OF_BOTH_BOOKS)
    return [Base.metadata.tables[table(kind)] for kind in kinds]


def _check_definitions(connection: Connection, tables: Sequence[Table], findings: Findings) -> None:
    if connection.dialect.name == "sqlite":
        found = sqlite_schema.found_definitions(connection, tables)
        expected = sqlite_schema.expected_definitions(tables)
    else:
        found = postgresql_schema.found_definitions(connection, tables)
        expected = postgresql_schema.expected_definitions(connection, tables, found)
    for called in sorted(expected.keys() | found.keys()):
        if expected.get(called) != found.get(called):
            findings.add(
                called, expected=expected.get(called, "none"), found=found.get(called, "none")
            )


def _check_triggers(connection: Connection, tables: Sequence[Table], findings: Findings) -> None:
    if connection.dialect.name == "sqlite":
        found = sqlite_schema.found_triggers(connection, tables)
    else:
        found = postgresql_schema.found_triggers(connection, tables)
        for whose in postgresql_schema.who_writes_without_triggers(connection):
            findings.add(
                f"the setting session_replication_role {whose}", expected="origin", found="replica"
            )
    expected = {
        name: trigger
        for name, trigger in TRIGGERS[connection.dialect.name].items()
        if any(name.startswith(f"{one.name}_") for one in tables)
    }
    for name in sorted(expected.keys() | found.keys()):
        _compare(name, expected.get(name), found.get(name), findings)


def _compare(
    name: str, expected: Trigger | None, found: Trigger | None, findings: Findings
) -> None:
    if expected is None or found is None or expected.fires != found.fires:
        findings.add(
            f"the trigger {name}",
            expected=expected.fires if expected else "none",
            found=found.fires if found else "none",
        )
    if expected and found and expected.digest != found.digest:
        findings.add(f"the SQL of the trigger {name}", expected="this release's", found="another")
