"""Change a journal without the ledger, as a database administrator could."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.ledger.auditing.findings import Finding

Named = tuple[str, str, str]  # problem, found, expected


@contextmanager
def unguarded(db: Session) -> Iterator[None]:
    """A transaction without triggers; they are restored afterwards."""
    with atomic(db):
        if db.get_bind().dialect.name == "postgresql":
            db.execute(text("SET LOCAL session_replication_role = replica"))
            yield
            return
        triggers = db.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        ).all()
        for name, _ in triggers:
            db.execute(text(f"DROP TRIGGER {name}"))
        yield
        for _, sql in triggers:
            db.connection().exec_driver_sql(sql)


def tamper(db: Session, statement: str, **values: object) -> None:
    with unguarded(db):
        result = db.connection().execute(text(statement), values)
        assert result.rowcount == 1, statement


def rewrite_table(db: Session, table: str, old: str, new: str) -> None:
    """Change a table's definition in sqlite_master, which no SQL statement can do."""
    with atomic(db):
        connection = db.connection()
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        result = connection.execute(
            text(
                "UPDATE sqlite_master SET sql = replace(sql, :old, :new)"
                " WHERE name = :table AND instr(sql, :old)"
            ),
            {"table": table, "old": old, "new": new},
        )
        assert result.rowcount == 1, old
        if "UNIQUE" in old:
            own_index = "tbl_name = :table AND type = 'index' AND sql IS NULL"
            connection.execute(
                text(f"DELETE FROM sqlite_master WHERE {own_index}"), {"table": table}
            )
        version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
        connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
        connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def named(findings: Iterable[Finding]) -> list[Named]:
    return sorted({(finding.problem, finding.found, finding.expected) for finding in findings})


def execute(db: Session, *statements: str) -> None:
    for statement in statements:
        db.connection().exec_driver_sql(statement)
