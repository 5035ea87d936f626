"""On PostgreSQL, too, the audit reports every changed definition that guards the books.

Changes are rolled back, which is quicker than a new database for each.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.database import SessionLocal
from imatch.ledger import BOOKS
from imatch.ledger.auditing.findings import Finding, Findings
from imatch.ledger.auditing.schema import check_schema
from tests.support.tampering import Named, execute, named

pytestmark = pytest.mark.postgresql


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Iterator[Session]:
    engine = database.bind(postgresql_url)
    with SessionLocal() as db:
        yield db
    engine.dispose()


def uncommitted(db: Session) -> list[Finding]:
    findings = Findings("")
    for book in BOOKS.values():
        check_schema(db, book, findings)
    return findings.kept


HOLD_ID = "the unique index uq_pot_transactions_hold_id of pot_transactions"
ANOTHER = ("another", "this release's")
APPLY = "pot_transactions_apply"
EACH_ROW = "BEFORE INSERT FOR EACH ROW"


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
        (
            "CREATE RULE quiet AS ON INSERT TO ledger_seals DO INSTEAD NOTHING",
            (
                "the rule quiet of ledger_seals",
                "CREATE RULE quiet AS ON INSERT TO public.ledger_seals DO INSTEAD NOTHING;",
                "none",
            ),
        ),
        (
            "ALTER TABLE pot_accounts ENABLE ROW LEVEL SECURITY",
            ("row level security of pot_accounts", "enabled", "none"),
        ),
    ],
)
def test_what_was_changed_is_named_on_postgresql(
    on_postgresql: Session, statement: str, expected: Named
) -> None:
    execute(on_postgresql, statement)
    assert named(uncommitted(on_postgresql)) == [expected]


def test_a_trigger_that_always_fires_is_no_finding(on_postgresql: Session) -> None:
    execute(on_postgresql, f"ALTER TABLE pot_transactions ENABLE ALWAYS TRIGGER {APPLY}")
    assert uncommitted(on_postgresql) == []


def test_a_setting_without_triggers_is_named(on_postgresql: Session) -> None:
    name = on_postgresql.scalar(text("SELECT current_database()"))
    setting = "the setting session_replication_role of"
    execute(
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


def test_checks_of_a_restored_backup_are_no_finding(on_postgresql: Session) -> None:
    """PostgreSQL formats a reparsed `IN` differently from a new one."""
    checks = text(
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid IN ('pot_accounts'::regclass,"
        " 'pot_transactions'::regclass)"
    )
    as_made = on_postgresql.execute(checks).all()
    for table, name, sql in as_made:
        execute(
            on_postgresql,
            f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {sql}",
        )
    assert on_postgresql.execute(checks).all() != as_made
    assert uncommitted(on_postgresql) == []


def test_a_role_without_the_right_to_compare_gets_a_finding(on_postgresql: Session) -> None:
    name = on_postgresql.scalar(text("SELECT current_database()"))
    execute(
        on_postgresql,
        f"REVOKE TEMPORARY ON DATABASE {name} FROM public",
        f"CREATE ROLE reader_of_{name}",
        f"SET LOCAL ROLE reader_of_{name}",
    )
    ((problem, found, expected),) = named(uncommitted(on_postgresql))
    assert (problem, expected) == ("the tables' definitions", "compared with this release's")
    assert found == f'permission denied to create temporary tables in database "{name}"'
