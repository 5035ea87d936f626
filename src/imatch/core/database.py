"""The engine, sessions, and the only place that commits transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

from imatch.core.fair_lock import FairLock
from imatch.core.settings import get_settings

_BUSY_TIMEOUT_MS = 10_000
_PAGES_PER_CHECKPOINT = 20_000
_PAGES_PER_TRANSACTION = 8
# SQLite allows one writer. Threads queue for this lock instead of for SQLite's busy loop, which
# keeps waits short and fair. Between processes (the worker), the busy timeout still applies.
_sqlite_write_lock = FairLock("writing to SQLite", timeout_seconds=60)
_pages_since_checkpoint = 0


def make_engine(url: str) -> Engine:
    """An engine whose pool has a connection for each thread of the web server."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    new_engine = create_engine(
        parsed,
        pool_size=10,
        max_overflow=40,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged, personal data is not
    )
    if new_engine.dialect.name == "sqlite":
        event.listen(new_engine, "connect", configure_sqlite)
        event.listen(new_engine, "begin", _begin_sqlite)
        event.listen(new_engine, "commit", _count_commit)
    return new_engine


def configure_sqlite(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 -- a driver's
    """Set up a new SQLite connection. A listener for an engine's "connect" event."""
    dbapi_connection.isolation_level = None  # `_begin_sqlite` sends BEGIN, not the driver
    # SQLite before 3.51.3 can corrupt the file if two connections reset the WAL at once.
    # Automatic checkpoints are therefore off, see _checkpoint_if_due.
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
    """Use this database for all new sessions. Returns its engine."""
    global _bound_url  # noqa: PLW0603 -- the process has one database at a time
    _bound_url = url
    return engine()


def engine() -> Engine:
    """The engine of the process, created at first use from IMATCH_DATABASE_URL."""
    url = _bound_url or get_settings().database_url
    if url not in _engines:
        _engines[url] = make_engine(url)
    return _engines[url]


class _LazySession(Session):
    """A session that looks up its engine at first use, so that imports open no connection."""

    def get_bind(self, *_args: object, **_options: object) -> Engine | Connection:
        return self.bind or engine()


SessionLocal = sessionmaker(class_=_LazySession, expire_on_commit=False)


@contextmanager
def atomic(db: Session) -> Iterator[Session]:
    """One transaction around the block.

    The outermost block commits, inner blocks join it, any exception rolls everything back. Changes
    pending in the session become part of the transaction. Objects loaded before are expired, so
    that decisions inside use the current state.
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
def fresh_read(db: Session) -> Iterator[Session]:
    """A separate read transaction: sees the current state and ends with the block.

    Commits pending changes of the session first. Inside `atomic(db)` it joins that transaction.
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
        db.commit()  # nothing was written: this only ends the read transaction


@contextmanager
def _write_transaction(db: Session) -> Iterator[None]:
    connection = db.connection()
    if connection.dialect.name != "sqlite":
        yield
        return
    with sqlite_write_lock(connection.engine):
        # A read transaction that begins to write fails at once if another one wrote meanwhile.
        # Beginning as a writer waits for the lock instead.
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield


@contextmanager
def sqlite_write_lock(sqlite_engine: Engine) -> Iterator[None]:
    """The process-wide lock for writing to SQLite, also through a raw driver connection."""
    with _sqlite_write_lock:
        try:
            yield
        finally:
            _checkpoint_if_due(sqlite_engine)


def refuse_nested_write() -> None:
    """Raise RuntimeError if this thread holds the write lock: waiting for it would never end."""
    _sqlite_write_lock.refuse_reentry()


def count_sqlite_commit(rows: int) -> None:
    """Estimate the pages a commit adds to the WAL: a few, and about one for each changed row."""
    global _pages_since_checkpoint  # noqa: PLW0603 -- an estimate is enough
    if rows:
        _pages_since_checkpoint += _PAGES_PER_TRANSACTION + rows


def _count_commit(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    changes_before = connection.info.get("changes", 0)
    connection.info["changes"] = driver.total_changes
    count_sqlite_commit(driver.total_changes - changes_before)


def _checkpoint_if_due(sqlite_engine: Engine) -> None:
    """Copy the WAL back into the database file. The caller holds the write lock.

    Triggered by the amount written, not by time: the longer the WAL, the longer a checkpoint takes.
    """
    global _pages_since_checkpoint  # noqa: PLW0603 -- guarded by the write lock
    if _pages_since_checkpoint < _PAGES_PER_CHECKPOINT:
        return
    _pages_since_checkpoint = 0
    connection = sqlite_engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
    finally:
        connection.close()
