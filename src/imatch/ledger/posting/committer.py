"""Group commit: commit movements of many callers in one transaction, with one disk sync.

There is no extra thread. The first caller leads: when it is its turn to write, it posts its own
movement and all queued ones in one transaction, and distributes the outcomes. The first caller
queued in the meantime leads next.
"""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Engine, event

from imatch.core.database import count_sqlite_commit, refuse_nested_write, sqlite_write_lock
from imatch.ledger.books import Book
from imatch.ledger.movements import Movement
from imatch.ledger.posting.journal import Journal, Outcome

_MAX_GROUP_SIZE = 500
# A long transaction on one account must not block all other movements of a group.
_POSTGRESQL_LOCK_TIMEOUT = "100ms"
_SQLITE_CACHE_KIB = 65_536  # index lookups by key and person are spread over many pages

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _QueuedPost:
    book: Book
    movement: Movement
    outcome: Outcome | None = None
    leads: bool = False
    woken: threading.Lock = field(default_factory=threading.Lock)


class _Connection:
    """The committer's own driver connection: outside the pool, with prepared statements."""

    def __init__(self, engine: Engine) -> None:
        pooled = engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        self.dialect = engine.dialect.name
        self.driver = driver
        self.is_usable = True
        if self.dialect == "sqlite":
            driver.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
        else:
            driver.rollback()
            driver.autocommit = True
            driver.execute(f"SET lock_timeout = '{_POSTGRESQL_LOCK_TIMEOUT}'")

    def write(self, group: Sequence[_QueuedPost]) -> None:
        """Post the requests and set their outcomes; after an error, none is set."""
        try:
            if self.dialect == "sqlite":
                self.driver.execute("BEGIN IMMEDIATE")
                outcomes = self._outcomes(group)
                self.driver.execute("COMMIT")
                count_sqlite_commit(rows=2 * len(group))
            else:  # autocommit: one movement takes one round trip
                outcomes = self._outcomes(group)
        except BaseException:
            self.is_usable = False
            with suppress(Exception):
                self.driver.rollback()
            raise
        for request, outcome in outcomes:
            request.outcome = outcome

    def _outcomes(self, group: Sequence[_QueuedPost]) -> list[tuple[_QueuedPost, Outcome]]:
        outcomes: list[tuple[_QueuedPost, Outcome]] = []
        for book in dict.fromkeys(request.book for request in group):
            requests = [request for request in group if request.book is book]
            journal = Journal(book, self.driver, self.dialect)
            outcomes += zip(
                requests, journal.add([request.movement for request in requests]), strict=True
            )
        return outcomes


class Committer:
    """The queue of one engine. It keeps no reference to the engine, which may be disposed of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the queue; held briefly
        self._queue: deque[_QueuedPost] = deque()
        self._has_leader = False
        self._writing = threading.Lock()  # guards the connection
        self._connection: _Connection | None = None

    def post(self, engine: Engine, book: Book, movement: Movement) -> Outcome | None:
        """The committed outcome of a movement; None if it must be retried outside a group."""
        if engine.dialect.name == "sqlite":
            refuse_nested_write()
        request = _QueuedPost(book, movement)
        request.woken.acquire()
        with self._lock:
            self._queue.append(request)
            request.leads = not self._has_leader
            self._has_leader = True
        if not request.leads:
            self._wait(request)
        if request.leads:
            self._lead(engine, request)
        return request.outcome

    def close(self) -> None:
        with self._writing:
            if self._connection:
                self._connection.driver.close()
            self._connection = None

    def _lead(self, engine: Engine, leader: _QueuedPost) -> None:
        group: list[_QueuedPost] = []
        try:
            with self._writing:
                self._write(engine, group)
        finally:
            self._wake_group(leader, group)

    def _write(self, engine: Engine, group: list[_QueuedPost]) -> None:
        """Fill the group and post it. Callers without an outcome retry alone and get the error."""
        try:
            connection = self._open_connection(engine)
        except Exception as error:  # noqa: BLE001 -- each caller retries alone and gets its error
            log.warning("group_commit_connection_failed", error=type(error).__name__)
            return
        with _write_turn(engine, connection):
            group += self._next_group()
            try:
                connection.write(group)
            except Exception as error:  # noqa: BLE001 -- each caller retries alone and gets its error
                error_name = type(error).__name__  # the error text may contain what people wrote
                log.warning("group_commit_rolled_back", error=error_name, movements=len(group))

    def _wait(self, request: _QueuedPost) -> None:
        try:
            request.woken.acquire()
        except BaseException:  # interrupted: this thread can no longer lead
            with self._lock:
                if request in self._queue:
                    self._queue.remove(request)
            if request.leads:
                self._wake_group(request, [])
            raise

    def _wake_group(self, leader: _QueuedPost, group: Sequence[_QueuedPost]) -> None:
        """Wake the callers of the group, and the next leader."""
        with self._lock:
            if leader in self._queue:  # an error was raised before its turn
                self._queue.remove(leader)
            successor = self._queue[0] if self._queue else None
            self._has_leader = successor is not None
            if successor:
                successor.leads = True
                successor.woken.release()
        for request in group:
            if request is not leader:
                request.woken.release()

    def _next_group(self) -> list[_QueuedPost]:
        with self._lock:
            return [self._queue.popleft() for _ in range(min(len(self._queue), _MAX_GROUP_SIZE))]

    def _open_connection(self, engine: Engine) -> _Connection:
        if self._connection and not self._connection.is_usable:
            self._connection.driver.close()
            self._connection = None
        if not self._connection:
            self._connection = _Connection(engine)
        return self._connection


def _write_turn(engine: Engine, connection: _Connection) -> AbstractContextManager[None]:
    return sqlite_write_lock(engine) if connection.dialect == "sqlite" else nullcontext()


_committers: WeakKeyDictionary[Engine, Committer] = WeakKeyDictionary()
_committers_lock = threading.Lock()


def committer(engine: Engine) -> Committer:
    """The engine's committer. Its connection is closed when the engine is disposed of."""
    existing = _committers.get(engine)
    if existing:
        return existing
    with _committers_lock:
        if engine not in _committers:
            created = Committer()
            event.listen(engine, "engine_disposed", lambda _engine: created.close())
            _committers[engine] = created
        return _committers[engine]
