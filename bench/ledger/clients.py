"""The measured clients: POTService, and the same statements through the raw drivers."""

import os
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import make_url

from bench.ledger.load import Call, Client
from imatch import POTService, SessionLocal
from imatch.core.database import configure_sqlite
from imatch.ledger import POT, Phase
from imatch.ledger.posting.statements import postgresql_insert, sqlite_insert

AWARDS = ("bug_report", "feature_suggestion", "portfolio_item", "match_feedback", "review_reply")
CHARGES = ("report_export", "premium_match", "re_match", "verified_badge", "lead_alerts_month")


def service(people: int, *, one_category: bool) -> Client:
    """Awards and charges of random people through POTService."""

    @contextmanager
    def client() -> Iterator[Call]:
        with SessionLocal() as db:
            pot = POTService(db)

            def call(rng: random.Random) -> object:
                user_id = rng.randint(1, people)
                if one_category:
                    return pot.award_pot(user_id, AWARDS[0])
                if rng.random() < 0.5:
                    return pot.award_pot(user_id, rng.choice(AWARDS))
                return pot.spend_pot(user_id, rng.choice(CHARGES))

            yield call

    return client


def _values(rng: random.Random, people: int, *, one_category: bool) -> tuple[Any, ...]:
    """The values of a row as POTService would write it."""
    earns = one_category or rng.random() < 0.5
    transaction_type = "earn" if earns else "spend"
    created_at = datetime.now(UTC)
    return (
        rng.randint(1, people),
        None,
        "treasury" if earns else "burned",
        100 if earns else -100,
        transaction_type,
        AWARDS[0] if one_category else rng.choice(AWARDS if earns else CHARGES),
        "What the service would write",
        None,
        None,
        "direct",
        None,
        None,
        f"{transaction_type}:{int(created_at.timestamp() * 1_000_000):x}-{os.urandom(8).hex()}",
        None,
        created_at,
    )


class _SharedCommits:
    """A minimal group commit: the first caller writes for all callers that queue meanwhile."""

    def __init__(self, write: Callable[[Sequence[tuple[Any, ...]]], Sequence[object]]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._queue: list[tuple[tuple[Any, ...], list[object], threading.Lock]] = []
        self._writing = False

    def post(self, values: tuple[Any, ...]) -> object:
        answer: list[object] = []
        ready = threading.Lock()
        ready.acquire()
        with self._lock:
            self._queue.append((values, answer, ready))
            is_leader = not self._writing
            self._writing = True
        if not is_leader:
            ready.acquire()
        if not answer:
            self._write_group()
        return answer[0]

    def _write_group(self) -> None:
        with self._lock:
            group, self._queue = self._queue, []
        rows = self._write([values for values, _, _ in group])
        with self._lock:
            successor = self._queue[0][2] if self._queue else None
            self._writing = successor is not None
        if successor:
            successor.release()
        for (_, answer, ready), row in zip(group, rows, strict=True):
            answer.append(row)
            ready.release()


@contextmanager
def raw_sqlite(url: str, people: int, *, one_category: bool) -> Iterator[Client]:
    """The same statement on one sqlite3 connection, with group commit."""
    path = make_url(url).database or ""
    statement = sqlite_insert(POT, Phase.DIRECT, person=True)
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        configure_sqlite(connection, None)
        connection.execute("PRAGMA wal_autocheckpoint=20000")

        def write(rows: Sequence[tuple[Any, ...]]) -> list[object]:
            connection.execute("BEGIN IMMEDIATE")
            entries = [
                connection.execute(
                    statement, (*values[:-1], values[-1].isoformat(" ", "microseconds")[:26])
                ).fetchone()
                for values in rows
            ]
            connection.execute("COMMIT")
            return entries

        yield _client(_SharedCommits(write).post, people, one_category=one_category)


@contextmanager
def raw_postgresql_grouped(url: str, people: int, *, one_category: bool) -> Iterator[Client]:
    """The same statement on one psycopg connection, with group commit."""
    with psycopg.connect(_psycopg(url), autocommit=True) as connection:

        def write(rows: Sequence[tuple[Any, ...]]) -> list[object]:
            arrays = [list(column) for column in zip(*sorted(rows), strict=True)]
            cursor = connection.execute(postgresql_insert(POT), arrays, prepare=True)
            return list(cursor.fetchall())

        yield _client(_SharedCommits(write).post, people, one_category=one_category)


@contextmanager
def raw_postgresql(url: str, people: int, *, one_category: bool) -> Iterator[Client]:
    """The same statement, one row a call, one psycopg connection for each client."""

    @contextmanager
    def client() -> Iterator[Call]:
        with psycopg.connect(_psycopg(url), autocommit=True) as connection:

            def call(rng: random.Random) -> object:
                values = _values(rng, people, one_category=one_category)
                arrays = [[value] for value in values]
                return connection.execute(postgresql_insert(POT), arrays, prepare=True).fetchone()

            yield call

    yield client


def _client(
    post: Callable[[tuple[Any, ...]], object], people: int, *, one_category: bool
) -> Client:
    return lambda: nullcontext(lambda rng: post(_values(rng, people, one_category=one_category)))


def _psycopg(url: str) -> str:
    address = make_url(url).set(drivername="postgresql")
    return address.render_as_string(hide_password=False)
