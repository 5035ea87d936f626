"""The audit reports every table, constraint and trigger that differs from this release."""

from collections.abc import Iterator

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.columns import Base
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import BOOKS, models
from imatch.ledger.auditing import postgresql_schema, sqlite_schema
from imatch.ledger.auditing.audit import audit
from imatch.ledger.auditing.findings import Finding
from imatch.ledger.auditing.schema import tables_of
from imatch.ledger.triggers import TRIGGERS, Trigger
from imatch.operations.database import MIGRATIONS, downgrade, migrate
from tests.support.tampering import Named, execute, named, rewrite_table

pytestmark = pytest.mark.both_databases


@pytest.fixture
def on_sqlite(sqlite_url: str) -> Iterator[Session]:
    engine = database.bind(sqlite_url)
    with SessionLocal() as db:
        yield db
    engine.dispose()


def audited(db: Session) -> list[Finding]:
    db.rollback()
    return [finding for book in BOOKS.values() for finding in audit(db, book).findings]


def test_triggers_are_as_they_are_written_down(db: Session) -> None:
    dialect = db.get_bind().dialect.name
    schema = sqlite_schema if dialect == "sqlite" else postgresql_schema
    triggers: dict[str, Trigger] = {}
    for book in BOOKS.values():
        triggers |= schema.found_triggers(db.connection(), tables_of(book))
    assert triggers == TRIGGERS[dialect], (
        "A migration made triggers anew: write those on the left into imatch/ledger/triggers.py."
    )


def test_every_table_of_the_ledger_is_compared() -> None:
    tables = {
        mapper.local_table
        for mapper in Base.registry.mappers
        if mapper.class_.__module__ == models.__name__
    }
    compared = {table for book in BOOKS.values() for table in tables_of(book)}
    assert compared == tables, "Name the new table in imatch/ledger/schema_audit.py."


def test_what_migrations_make_at_once_is_sound(db: Session) -> None:
    assert audited(db) == []


def test_what_migrations_make_one_by_one_is_sound(database_url: str) -> None:
    engine = database.engine()
    downgrade(engine, "base")
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for revision in reversed(revisions):
        assert migrate(engine, revision) == revision
    with SessionLocal() as db:
        assert audited(db) == []


def test_a_finding_is_told_in_words(on_sqlite: Session) -> None:
    with atomic(on_sqlite):
        execute(on_sqlite, "DROP INDEX uq_pot_transactions_hold_id")
    (finding,) = audited(on_sqlite)
    assert str(finding) == (
        "pot: the unique index uq_pot_transactions_hold_id of pot_transactions: none instead of"
        " CREATE UNIQUE INDEX uq_pot_transactions_hold_id ON pot_transactions ( hold_id )"
    )


FROZEN = "pot_transactions_frozen_UPDATE"
ON_UPDATE = "BEFORE UPDATE ON pot_transactions"
HOLD_ID = "the unique index uq_pot_transactions_hold_id of pot_transactions"
ANOTHER = ("another", "this release's")


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([f"DROP TRIGGER {FROZEN}"], [(f"the trigger {FROZEN}", "none", ON_UPDATE)]),
        (
            [f"DROP TRIGGER {FROZEN}", f"CREATE TRIGGER {FROZEN} {ON_UPDATE} BEGIN SELECT 1; END"],
            [(f"the SQL of the trigger {FROZEN}", *ANOTHER)],
        ),
        (
            [
                f"DROP TRIGGER {FROZEN}",
                f"CREATE TRIGGER {FROZEN} {ON_UPDATE} WHEN false BEGIN SELECT 1; END",
            ],
            [
                (f"the SQL of the trigger {FROZEN}", *ANOTHER),
                (f"the trigger {FROZEN}", f"{ON_UPDATE} WHEN false", ON_UPDATE),
            ],
        ),
        (
            ["CREATE TRIGGER more AFTER INSERT ON cash_accounts BEGIN SELECT 1; END"],
            [("the trigger more", "AFTER INSERT ON cash_accounts", "none")],
        ),
        (
            ["CREATE TRIGGER more AFTER INSERT ON POT_Transactions BEGIN SELECT 1; END"],
            [("the trigger more", "AFTER INSERT ON POT_Transactions", "none")],
        ),
        (
            [
                "DROP INDEX uq_pot_transactions_hold_id",
                (
                    "CREATE UNIQUE INDEX uq_pot_transactions_hold_id ON pot_transactions (hold_id)"
                    " WHERE amount > 9"
                ),
            ],
            [
                (
                    HOLD_ID,
                    (
                        "CREATE UNIQUE INDEX uq_pot_transactions_hold_id ON pot_transactions"
                        " ( hold_id ) WHERE amount > 9"
                    ),
                    (
                        "CREATE UNIQUE INDEX uq_pot_transactions_hold_id ON pot_transactions"
                        " ( hold_id )"
                    ),
                )
            ],
        ),
    ],
)
def test_a_changed_trigger_or_index_is_named_on_sqlite(
    on_sqlite: Session, statements: list[str], expected: list[Named]
) -> None:
    with atomic(on_sqlite):
        execute(on_sqlite, *statements)
    assert named(audited(on_sqlite)) == expected


HELD = "CONSTRAINT ck_pot_accounts_held CHECK (held >= 0)"
KEY = "CONSTRAINT uq_cash_transactions_idempotency_key UNIQUE (idempotency_key)"


@pytest.mark.parametrize(
    ("table", "old", "new", "expected"),
    [
        (
            "pot_accounts",
            f", \n\t{HELD}",
            "",
            (
                "the constraint ck_pot_accounts_held of pot_accounts",
                "none",
                "CONSTRAINT ck_pot_accounts_held CHECK ( held >= 0 )",
            ),
        ),
        (
            "pot_accounts",
            HELD,
            HELD.replace("0", "-9"),
            (
                "the constraint ck_pot_accounts_held of pot_accounts",
                "CONSTRAINT ck_pot_accounts_held CHECK ( held >= - 9 )",
                "CONSTRAINT ck_pot_accounts_held CHECK ( held >= 0 )",
            ),
        ),
        (
            "cash_transactions",
            f", \n\t{KEY}",
            "",
            (
                "the constraint uq_cash_transactions_idempotency_key of cash_transactions",
                "none",
                "CONSTRAINT uq_cash_transactions_idempotency_key UNIQUE ( idempotency_key )",
            ),
        ),
        (
            "pot_transactions",
            "\tamount INTEGER NOT NULL",
            "\tamount INTEGER",
            ("the column amount of pot_transactions", "amount INTEGER", "amount INTEGER NOT NULL"),
        ),
        (
            "ledger_seals",
            "from_id INTEGER NOT NULL",
            "from_id INTEGER",
            ("the column from_id of ledger_seals", "from_id INTEGER", "from_id INTEGER NOT NULL"),
        ),
    ],
)
def test_a_changed_table_is_named_on_sqlite(
    on_sqlite: Session, table: str, old: str, new: str, expected: Named
) -> None:
    rewrite_table(on_sqlite, table, old, new)
    assert named(audited(on_sqlite)) == [expected]


@pytest.mark.parametrize(
    "hidden",
    [
        "CHECK (1) /*, CONSTRAINT ck_pot_accounts_held CHECK (held >= 0) */",
        "CHECK (1 -- \n OR held >= 0 \n)",
        "CHECK ('CHECK (held >= 0)' <> '')",
        'CHECK ("held >= 0" <> 1)',
    ],
)
def test_a_check_that_is_only_written_somewhere_is_none(on_sqlite: Session, hidden: str) -> None:
    rewrite_table(on_sqlite, "pot_accounts", "CHECK (held >= 0)", hidden)
    with atomic(on_sqlite):
        execute(
            on_sqlite,
            "PRAGMA defer_foreign_keys = ON",
            "INSERT INTO pot_accounts (user_id, held) VALUES (1, -5)",
            "DELETE FROM pot_accounts",
        )
    problems = {finding.problem for finding in audited(on_sqlite)}
    assert "the constraint ck_pot_accounts_held of pot_accounts" in problems


def test_quotes_that_renaming_leaves_are_no_finding(on_sqlite: Session) -> None:
    rewrite_table(on_sqlite, "pot_accounts", "TABLE pot_accounts", 'TABLE "pot_accounts"')
    rewrite_table(on_sqlite, "pot_accounts", "REFERENCES users", 'REFERENCES "users"')
    assert audited(on_sqlite) == []
