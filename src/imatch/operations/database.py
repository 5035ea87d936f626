"""Bring a database to the present schema, and refuse one that is not ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

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

    Raises ForeignDatabase for a database that another program made, and NewerDatabase for one
    of a later release; nothing is changed in either.
    """
    refuse_foreign(engine)
    _refuse_newer(engine)
    with _migrating(engine) as connection:
        command.upgrade(_config(connection), revision)
    job_store.create_tables(engine)
    return current_revision(engine)


def downgrade(engine: Engine, revision: str) -> None:
    with _migrating(engine) as connection:
        command.downgrade(_config(connection), revision)


def current_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str | None:
    """The newest revision of this release; reading every migration takes 10 ms."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def refuse_foreign(engine: Engine) -> None:
    """Raise ForeignDatabase when tables stand there and none of them is our version table."""
    tables = set(inspect(engine).get_table_names())
    if not tables or _VERSION_TABLE in tables:
        return
    strange = sorted(tables - set(metadata.tables))
    named = ", ".join((strange or sorted(tables))[:5])
    raise ForeignDatabase(
        f"This database was made by another program (it has the table {named}). Nothing was"
        " changed. Name another database in IMATCH_DATABASE_URL, or move this one away."
    )


def _refuse_newer(engine: Engine) -> None:
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    present = current_revision(engine)
    if present is not None and present not in known:
        raise NewerDatabase(
            f"A later release of I MATCH made this database: it is at revision {present}, which"
            " this release does not know. Nothing was changed. Update I MATCH."
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction for migrations. On SQLite foreign keys rest: a rebuilt table would cascade."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        driver = connection.connection.driver_connection
        if driver is None:  # a pool never hands out a connection without its driver's
            raise RuntimeError("no driver connection")
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise BrokenReferences(f"{len(broken)} rows would point at nothing")
        finally:
            driver.execute("PRAGMA foreign_keys=ON")
