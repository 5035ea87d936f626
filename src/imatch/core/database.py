"""Engine, sessions, and the one place where transactions are committed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

from imatch.core.settings import get_settings
from imatch.core.turns import Turns

_BUSY_TIMEOUT_MS = 10_000
_PAGES_PER_CHECKPOINT = 20_000
_PAGES_PER_TRANSACTION = 8
# SQLite has one writer. Queueing for it here instead of in SQLite's busy loop keeps waits short
# and fair; another process (the worker) still meets the busy timeout.
_sqlite_writer = Turns("writing to SQLite", longest_wait_seconds=60)
_pages_since_checkpoint = 0


def make_engine(url: str) -> Engine:
    """An engine with as many connections as the web server has threads."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    made = create_engine(
        parsed,
        pool_size=10,
        max_overflow=40,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged, and what people wrote is not
    )
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", configure_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        event.listen(made, "commit", _note_commit)
    return made


def configure_sqlite(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 -- a driver's
    """What every connection to the SQLite file needs; a listener to an engine's "connect"."""
    dbapi_connection.isolation_level = None  # BEGIN is sent below, not guessed by the driver
    # SQLite before 3.51.3 can corrupt when two connections reset the WAL at once: nobody
    # checkpoints by itself, see _checkpoint_now_and_then.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "wal_autocheckpoint=0",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


_engines: dict[str, Engine] = {}
_bound_url: str | None = None


def bind(url: str) -> Engine:
    """Let every new session use this database; returns its engine."""
    global _bound_url  # noqa: PLW0603 -- the process has one database at a time
    _bound_url = url
    return engine()


def engine() -> Engine:
    """The process's engine, made at first use from IMATCH_DATABASE_URL."""
    url = _bound_url or get_settings().database_url
    if url not in _engines:
        _engines[url] = make_engine(url)
    return _engines[url]


class _LazySession(Session):
    """A session that finds its engine when it first needs it, so importing opens nothing."""

    def get_bind(self, *_args: object, **_options: object) -> Engine | Connection:
        return self.bind or engine()


SessionLocal = sessionmaker(class_=_LazySession, expire_on_commit=False)


@contextmanager
def atomic(db: Session) -> Iterator[Session]:
    """All writes inside succeed together or not at all.

    The outermost block commits, inner ones join it, any exception rolls everything back. What the
    session had open or pending before becomes part of the block, and objects loaded before are
    read afresh, so decisions inside are made on the present state.
    """
    if is_atomic(db):
        yield db
        return
    with _write_transaction(db):
        db.info["atomic"] = True
        try:
            db.flush()
            db.expire_all()
            yield db
            db.commit()
        except BaseException:
            db.rollback()
            raise
        finally:
            del db.info["atomic"]


def is_atomic(db: Session) -> bool:
    """Whether an `atomic(db)` block is open."""
    return bool(db.info.get("atomic"))


@contextmanager
def present(db: Session) -> Iterator[Session]:
    """Read the present state, and leave no snapshot behind that grows old.

    Commits what the session holds first; inside `atomic(db)` it joins and commits nothing.
    """
    if is_atomic(db):
        yield db
        return
    if db.new or db.dirty or db.deleted:
        with atomic(db):
            pass
    db.commit()
    try:
        yield db
    finally:
        db.commit()  # nothing was written: it only ends the reading


@contextmanager
def _write_transaction(db: Session) -> Iterator[None]:
    connection = db.connection()
    if connection.dialect.name != "sqlite":
        yield
        return
    with sqlite_writer(connection.engine):
        # A reading transaction that turns into a writing one fails at once when somebody wrote in
        # between; beginning as a writer waits its turn instead.
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield


@contextmanager
def sqlite_writer(writer: Engine) -> Iterator[None]:
    """A thread's turn to write to SQLite, also on a driver connection of its own."""
    with _sqlite_writer:
        try:
            yield
        finally:
            _checkpoint_now_and_then(writer)


def refuse_second_writer() -> None:
    """Raise RuntimeError in a thread that writes to SQLite: a second turn would never come."""
    _sqlite_writer.refuse_second_turn()


def note_sqlite_commit(rows: int) -> None:
    """Count what a commit adds to the WAL: a few pages, and about one for every changed row."""
    global _pages_since_checkpoint  # noqa: PLW0603 -- roughly right is good enough
    if rows:
        _pages_since_checkpoint += _PAGES_PER_TRANSACTION + rows


def _note_commit(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    changes_before = connection.info.get("changes", 0)
    connection.info["changes"] = driver.total_changes
    note_sqlite_commit(driver.total_changes - changes_before)


def _checkpoint_now_and_then(writer: Engine) -> None:
    """Copy the WAL back into the database file; called by whoever has the writer's turn.

    By what was written, not by the clock: the longer the WAL, the longer everybody waits for this.
    """
    global _pages_since_checkpoint  # noqa: PLW0603 -- guarded by the writer's turn
    if _pages_since_checkpoint < _PAGES_PER_CHECKPOINT:
        return
    _pages_since_checkpoint = 0
    checkpointer = writer.raw_connection()
    try:
        checkpointer.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        checkpointer.close()
