"""Migrate a database, and refuse databases of other programs and later releases."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, String, column, inspect, select, table
from sqlalchemy.orm import Session

from imatch.core.errors import Conflict
from imatch.jobs import store as job_store
from imatch.migrations.tables import metadata

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_VERSION_TABLE = "alembic_version"


class ForeignDatabase(Conflict):
    code = "foreign_database"


class NewerDatabase(Conflict):
    code = "newer_database"


class BrokenReferences(Conflict):
    code = "broken_references"


def migrate(engine: Engine, revision: str = "head") -> str | None:
    """Upgrade to `revision` and return the revision reached.

    Raises ForeignDatabase for a database of another program, and NewerDatabase for one of a later
    release; neither is changed. Raises BrokenReferences if a migration breaks foreign keys.
    """
    refuse_foreign(engine)
    _refuse_newer(engine)
    with _migration_transaction(engine) as connection:
        command.upgrade(_config(connection), revision)
    job_store.create_tables(engine)
    return current_revision(engine)


def downgrade(engine: Engine, revision: str) -> None:
    with _migration_transaction(engine) as connection:
        command.downgrade(_config(connection), revision)


def current_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def stamped_revision(db: Session) -> str | None:
    """As current_revision, in a session and without looking first whether the table is there."""
    return db.scalar(select(column("version_num", String)).select_from(table(_VERSION_TABLE)))


@cache
def head_revision() -> str | None:
    """The newest revision of this release; reading every migration takes 10 ms."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def refuse_foreign(engine: Engine) -> None:
    """Raise ForeignDatabase if the database has tables, but not our version table."""
    tables = set(inspect(engine).get_table_names())
    if not tables or _VERSION_TABLE in tables:
        return
    foreign_tables = sorted(tables - set(metadata.tables))
    examples = ", ".join((foreign_tables or sorted(tables))[:5])
    raise ForeignDatabase(
        f"This database was made by another program (it has the table {examples}). Nothing was"
        " changed. Name another database in IMATCH_DATABASE_URL, or move this one away."
    )


def _refuse_newer(engine: Engine) -> None:
    known_revisions = {
        script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    }
    revision = current_revision(engine)
    if revision is not None and revision not in known_revisions:
        raise NewerDatabase(
            f"A later release of I MATCH made this database: it is at revision {revision}, which"
            " this release does not know. Nothing was changed. Update I MATCH."
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migration_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction for migrations.

    On SQLite, foreign keys are off, because rebuilding a table would cascade its deletes.
    """
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        driver = connection.connection.driver_connection
        if driver is None:  # cannot happen with a connection from a pool
            raise RuntimeError("no driver connection")
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                violations = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if violations:
                    raise BrokenReferences(f"{len(violations)} rows would point at nothing")
        finally:
            driver.execute("PRAGMA foreign_keys=ON")
