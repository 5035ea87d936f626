"""Commit movements of many callers together: one wait for the disk serves all of them.

There is no thread of its own. Whoever comes first leads: it carries out its own movement and all
that are queued when its turn to write comes, in one transaction, and hands out the outcomes.
Whoever has queued in the meantime leads next.
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

_LARGEST_GROUP = 500
# Somebody's long transaction on one account must not hold up everybody else in a group.
_LONGEST_POSTGRESQL_LOCK_WAIT = "100ms"
_SQLITE_CACHE_KIB = 65_536  # keys and people are all over their indexes

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _QueuedPost:
    book: Book
    movement: Movement
    outcome: Outcome | None = None
    leads: bool = False
    woken: threading.Lock = field(default_factory=threading.Lock)


class _Connection:
    """A driver connection of the committer's own: no pool to ask, statements stay prepared."""

    def __init__(self, engine: Engine) -> None:
        pooled = engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        self.dialect = engine.dialect.name
        self.driver = driver
        self.sound = True
        if self.dialect == "sqlite":
            driver.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
        else:
            driver.rollback()
            driver.autocommit = True
            driver.execute(f"SET lock_timeout = '{_LONGEST_POSTGRESQL_LOCK_WAIT}'")

    def carry_out(self, group: Sequence[_QueuedPost]) -> None:
        """Give every request its outcome, or none of a book's where one cannot be carried out."""
        try:
            if self.dialect == "sqlite":
                self.driver.execute("BEGIN IMMEDIATE")
                outcomes = self._outcomes(group)
                self.driver.execute("COMMIT")
                count_sqlite_commit(rows=2 * len(group))
            else:  # each statement commits itself, so one movement is one round trip
                outcomes = self._outcomes(group)
        except BaseException:
            self.sound = False
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
    """The queue of one engine. It does not hold the engine, which may come to its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the queue, for moments only
        self._queue: deque[_QueuedPost] = deque()
        self._has_leader = False
        self._writing = threading.Lock()  # guards the connection
        self._connection: _Connection | None = None

    def post(self, engine: Engine, book: Book, movement: Movement) -> Outcome | None:
        """What became of a movement, durably; None when it must be tried outside a group."""
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
            self._hand_on(leader, group)

    def _write(self, engine: Engine, group: list[_QueuedPost]) -> None:
        """Fill the group and carry it out. Who gets no outcome tries alone, and meets the error."""
        try:
            connection = self._connected(engine)
        except Exception as error:  # noqa: BLE001 -- each caller meets its own, alone
            log.warning("group_commit_not_connected", error=type(error).__name__)
            return
        with _turn(engine, connection):
            group += self._next_group()
            try:
                connection.carry_out(group)
            except Exception as error:  # noqa: BLE001 -- each caller meets its own, alone
                undone = type(error).__name__  # its text may hold what people wrote
                log.warning("group_commit_undone", error=undone, movements=len(group))

    def _wait(self, request: _QueuedPost) -> None:
        try:
            request.woken.acquire()
        except BaseException:  # interrupted: nobody may count on this thread any more
            with self._lock:
                if request in self._queue:
                    self._queue.remove(request)
            if request.leads:
                self._hand_on(request, [])
            raise

    def _hand_on(self, leader: _QueuedPost, group: Sequence[_QueuedPost]) -> None:
        """Wake everybody who was served, and one who leads next."""
        with self._lock:
            if leader in self._queue:  # an error came before its turn
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
            return [self._queue.popleft() for _ in range(min(len(self._queue), _LARGEST_GROUP))]

    def _connected(self, engine: Engine) -> _Connection:
        if self._connection and not self._connection.sound:
            self._connection.driver.close()
            self._connection = None
        if not self._connection:
            self._connection = _Connection(engine)
        return self._connection


def _turn(engine: Engine, connection: _Connection) -> AbstractContextManager[None]:
    return sqlite_write_lock(engine) if connection.dialect == "sqlite" else nullcontext()


_committers: WeakKeyDictionary[Engine, Committer] = WeakKeyDictionary()
_committers_lock = threading.Lock()


def committer(engine: Engine) -> Committer:
    """The engine's committer, whose connection is closed when the engine is disposed of."""
    found = _committers.get(engine)
    if found:
        return found
    with _committers_lock:
        if engine not in _committers:
            made = Committer()
            event.listen(engine, "engine_disposed", lambda _engine: made.close())
            _committers[engine] = made
        return _committers[engine]
