"""The audit names whatever guards the books and is no longer as this release made it."""

from collections.abc import Iterator

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import BOOKS, postgresql_schema, sqlite_schema
from imatch.ledger.audit import audit
from imatch.ledger.findings import Finding, Findings
from imatch.ledger.schema_audit import check_schema, tables_of
from imatch.ledger.triggers import TRIGGERS, Trigger
from imatch.operations.database import MIGRATIONS, downgrade, migrate
from tests.ledger.tampering import rewrite_table

Named = tuple[str, str, str]  # what, as it was found, as it was expected


@pytest.fixture
def on_sqlite(sqlite_url: str) -> Iterator[Session]:
    engine = database.bind(sqlite_url)
    with SessionLocal() as db:
        yield db
    engine.dispose()


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Iterator[Session]:
    """What a test does to the schema is rolled back, which is quicker than a new database."""
    engine = database.bind(postgresql_url)
    with SessionLocal() as db:
        yield db
    engine.dispose()


def audited(db: Session) -> list[Finding]:
    db.rollback()
    return [finding for book in BOOKS.values() for finding in audit(db, book).findings]


def uncommitted(db: Session) -> list[Finding]:
    findings = Findings("")
    for book in BOOKS.values():
        check_schema(db, book, findings)
    return findings.kept


def named(findings: list[Finding]) -> list[Named]:
    return sorted({(one.problem, one.found, one.expected) for one in findings})


def carry_out(db: Session, *statements: str) -> None:
    for statement in statements:
        db.connection().exec_driver_sql(statement)


def test_triggers_are_as_they_are_written_down(db: Session) -> None:
    """A migration that makes one anew changes it in `imatch.ledger.triggers`, and only there."""
    dialect = db.get_bind().dialect.name
    schema = sqlite_schema if dialect == "sqlite" else postgresql_schema
    made: dict[str, Trigger] = {}
    for book in BOOKS.values():
        made |= schema.found_triggers(db.connection(), tables_of(book))
    assert made == TRIGGERS[dialect]


def test_what_migrations_make_at_once_is_sound(db: Session) -> None:
    assert audited(db) == []


def test_what_migrations_make_one_by_one_is_sound(database_url: str) -> None:
    engine = database.engine()
    downgrade(engine, "base")
    revisions = [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for revision in reversed(revisions):
        assert migrate(engine, revision) == revision
    with SessionLocal() as db:
        assert audited(db) == []


def test_a_finding_is_told_in_words(on_sqlite: Session) -> None:
    with atomic(on_sqlite):
        carry_out(on_sqlite, "DROP INDEX uq_pot_transactions_hold_id")
    (finding,) = audited(on_sqlite)
    assert str(finding) == (
        "pot: the unique index uq_pot_transactions_hold_id of pot_transactions: none instead of"
        " CREATE UNIQUE INDEX uq_pot_transactions_hold_id ON pot_transactions ( hold_id )"
    )


FROZEN = "pot_transactions_frozen_UPDATE"
ON_UPDATE = "BEFORE UPDATE ON pot_transactions"
HOLD_ID = "the unique index uq_pot_transactions_hold_id of pot_transactions"
ANOTHER = "another", "this release's"


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
        carry_out(on_sqlite, *statements)
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
        carry_out(
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


APPLY = "pot_transactions_apply"
EACH_ROW = "BEFORE INSERT FOR EACH ROW"


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "DROP TRIGGER pot_transactions_kept ON pot_transactions",
            ("the trigger pot_transactions_kept", "none", "BEFORE TRUNCATE FOR EACH STATEMENT"),
        ),
        (
            f"ALTER TABLE pot_transactions DISABLE TRIGGER {APPLY}",
            (f"the trigger {APPLY}", f"{EACH_ROW}, switched off", EACH_ROW),
        ),
        (
            f"ALTER TABLE pot_transactions ENABLE REPLICA TRIGGER {APPLY}",
            (f"the trigger {APPLY}", f"{EACH_ROW}, only where changes are replicated", EACH_ROW),
        ),
        (
            (
                f"DROP TRIGGER {APPLY} ON pot_transactions;"
                f"CREATE TRIGGER {APPLY} BEFORE INSERT ON pot_transactions"
                f" FOR EACH ROW WHEN (NEW.user_id > 9) EXECUTE FUNCTION {APPLY}()"
            ),
            (f"the trigger {APPLY}", f"{EACH_ROW} WHEN ((new.user_id > 9))", EACH_ROW),
        ),
        (
            (
                "DROP TRIGGER cash_transactions_frozen ON cash_transactions;"
                "CREATE TRIGGER cash_transactions_frozen BEFORE DELETE OR UPDATE OF amount"
                " ON cash_transactions FOR EACH ROW EXECUTE FUNCTION journal_frozen()"
            ),
            (
                "the trigger cash_transactions_frozen",
                "BEFORE DELETE OR UPDATE OF amount FOR EACH ROW",
                "BEFORE DELETE OR UPDATE FOR EACH ROW",
            ),
        ),
        (
            (
                f"CREATE OR REPLACE FUNCTION {APPLY}() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NEW; END'"
            ),
            (f"the SQL of the trigger {APPLY}", *ANOTHER),
        ),
        (
            f"ALTER FUNCTION {APPLY}() SET search_path = elsewhere, public",
            (f"the SQL of the trigger {APPLY}", *ANOTHER),
        ),
        (
            (
                "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NEW; END';"
                "CREATE TRIGGER a_more BEFORE INSERT ON pot_transactions"
                " FOR EACH ROW EXECUTE FUNCTION more()"
            ),
            ("the trigger a_more", EACH_ROW, "none"),
        ),
        (
            "ALTER TABLE pot_accounts DROP CONSTRAINT ck_pot_accounts_no_overdraft",
            (
                "the constraint ck_pot_accounts_no_overdraft of pot_accounts",
                "none",
                "CHECK ((balance >= held))",
            ),
        ),
        (
            (
                "ALTER TABLE pot_accounts DROP CONSTRAINT ck_pot_accounts_held;"
                "ALTER TABLE pot_accounts ADD CONSTRAINT ck_pot_accounts_held"
                " CHECK (held >= 0) NOT VALID"
            ),
            (
                "the constraint ck_pot_accounts_held of pot_accounts",
                "CHECK ((held >= 0)) NOT VALID",
                "CHECK ((held >= 0))",
            ),
        ),
        (
            "ALTER TABLE cash_accounts DROP CONSTRAINT fk_cash_accounts_user_id",
            (
                "the constraint fk_cash_accounts_user_id of cash_accounts",
                "none",
                "FOREIGN KEY (user_id) REFERENCES users(id)",
            ),
        ),
        ("DROP INDEX uq_pot_transactions_hold_id", (HOLD_ID, "none", "btree (hold_id)")),
        (
            (
                "DROP INDEX uq_pot_transactions_hold_id;"
                "CREATE UNIQUE INDEX uq_pot_transactions_hold_id ON pot_transactions (hold_id)"
                " WHERE amount > 9"
            ),
            (HOLD_ID, "btree (hold_id) WHERE (amount > 9)", "btree (hold_id)"),
        ),
        (
            "ALTER TABLE pot_transactions DROP CONSTRAINT uq_pot_transactions_idempotency_key",
            (
                "the unique index uq_pot_transactions_idempotency_key of pot_transactions",
                "none",
                "btree (idempotency_key)",
            ),
        ),
        (
            "ALTER TABLE pot_accounts ALTER COLUMN balance DROP NOT NULL",
            ("the column balance of pot_accounts", "may be NULL", "NOT NULL"),
        ),
        (
            "ALTER TABLE ledger_seals ALTER COLUMN hash DROP NOT NULL",
            ("the column hash of ledger_seals", "may be NULL", "NOT NULL"),
        ),
    ],
)
def test_what_was_changed_is_named_on_postgresql(
    on_postgresql: Session, statement: str, expected: Named
) -> None:
    carry_out(on_postgresql, statement)
    assert named(uncommitted(on_postgresql)) == [expected]


@pytest.mark.postgresql
def test_a_trigger_that_always_fires_is_no_finding(on_postgresql: Session) -> None:
    carry_out(on_postgresql, f"ALTER TABLE pot_transactions ENABLE ALWAYS TRIGGER {APPLY}")
    assert uncommitted(on_postgresql) == []


@pytest.mark.postgresql
def test_who_writes_without_triggers_is_named(on_postgresql: Session) -> None:
    name = on_postgresql.scalar(text("SELECT current_database()"))
    setting = "the setting session_replication_role of"
    carry_out(
        on_postgresql,
        f"ALTER DATABASE {name} SET session_replication_role = 'Replica'",
        "ALTER ROLE postgres SET session_replication_role = replica",
        "SET LOCAL session_replication_role = replica",
    )
    assert named(uncommitted(on_postgresql)) == [
        (f"{setting} all roles in the database {name}", "replica", "origin"),
        (f"{setting} the role postgres in all databases", "replica", "origin"),
        (f"{setting} this connection", "replica", "origin"),
    ]


@pytest.mark.postgresql
def test_checks_that_a_backup_has_read_back_are_no_finding(on_postgresql: Session) -> None:
    """PostgreSQL writes `IN` down as something that it then writes down in another way."""
    checks = text(
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid IN ('pot_accounts'::regclass,"
        " 'pot_transactions'::regclass)"
    )
    as_made = on_postgresql.execute(checks).all()
    for table, name, sql in as_made:
        carry_out(
            on_postgresql,
            f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {sql}",
        )
    assert on_postgresql.execute(checks).all() != as_made
    assert uncommitted(on_postgresql) == []


@pytest.mark.postgresql
def test_who_may_not_compare_does_not_hear_that_all_is_well(on_postgresql: Session) -> None:
    name = on_postgresql.scalar(text("SELECT current_database()"))
    carry_out(
        on_postgresql,
        f"REVOKE TEMPORARY ON DATABASE {name} FROM public",
        f"CREATE ROLE reader_of_{name}",
        f"SET LOCAL ROLE reader_of_{name}",
    )
    ((what, found, expected),) = named(uncommitted(on_postgresql))
    assert (what, expected) == ("the tables' definitions", "compared with this release's")
    assert found == f'permission denied to create temporary tables in database "{name}"'
