"""Compare the books' tables and triggers with the definitions of this release."""

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

_SHARED_MODELS = (LedgerSeal, LedgerDaySum, LedgerHourSum, LedgerAudit)


def check_schema(db: Session, book: Book, findings: Findings) -> None:
    """Compare columns, constraints, unique indexes and triggers of a book's tables with models."""
    connection = db.connection()
    tables = tables_of(book)
    _check_triggers(connection, tables, findings)
    try:
        _check_definitions(connection, tables, findings)
    except DBAPIError as error:
        message, *_ = str(error.orig).splitlines()
        findings.add(
            "the tables' definitions", expected="compared with this release's", found=message
        )


def tables_of(book: Book) -> list[Table]:
    kinds = (book.accounts, book.journal, *_SHARED_MODELS)
    return [Base.metadata.tables[table(kind)] for kind in kinds]


def _check_definitions(connection: Connection, tables: Sequence[Table], findings: Findings) -> None:
    if connection.dialect.name == "sqlite":
        found = sqlite_schema.found_definitions(connection, tables)
        expected = sqlite_schema.expected_definitions(tables)
    else:
        found = postgresql_schema.found_definitions(connection, tables)
        expected = postgresql_schema.expected_definitions(connection, tables, found)
    for title in sorted(expected.keys() | found.keys()):
        if expected.get(title) != found.get(title):
            findings.add(
                title,
                expected=expected.get(title, "none"),
                found=found.get(title, "none"),
            )


def _check_triggers(connection: Connection, tables: Sequence[Table], findings: Findings) -> None:
    if connection.dialect.name == "sqlite":
        found = sqlite_schema.found_triggers(connection, tables)
    else:
        found = postgresql_schema.found_triggers(connection, tables)
        for scope in postgresql_schema.settings_without_triggers(connection):
            findings.add(
                f"the setting session_replication_role {scope}", expected="origin", found="replica"
            )
    expected = {
        name: trigger
        for name, trigger in TRIGGERS[connection.dialect.name].items()
        if any(name.startswith(f"{owner.name}_") for owner in tables)
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
