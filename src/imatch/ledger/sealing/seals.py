"""Seal finished ranges of a journal, so that no row in them can be changed unseen."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Any

from sqlalchemy import func, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic, is_atomic
from imatch.core.logs import log
from imatch.ledger.books import Book
from imatch.ledger.models import MOVED, LedgerDaySum, LedgerHourSum, LedgerSeal, SealedSum
from imatch.ledger.posting.statements import table
from imatch.ledger.queries import head
from imatch.ledger.sealing.rows import JournalReader

FIRST_HASH = "0" * 64
DIGEST_BYTES = 8
# Writers queue behind a waiting lock: rather seal a minute later than make them wait long.
_BARRIER_TIMEOUT = "500ms"
# A seal for each row would cost more than its row; a row must not wait long for its seal.
_ENOUGH_ROWS = 1_000
_LONG_ENOUGH = timedelta(minutes=15)

MovementKind = tuple[str, str, str, str, str, str]


@dataclass(slots=True)
class MovementTally:
    """What rows moved, by kind: phase, type, category, system account, counter account, hour."""

    # Lists of a row count and an amount, because this is done for millions of rows.
    totals: dict[MovementKind, list[int]] = field(default_factory=dict)

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of an id, a text and what `selected` names."""
        totals = self.totals
        for row in rows:
            kind: Any = row[3:]
            total = totals.get(kind)
            if total is None:
                total = totals[kind] = [0, 0]
            total[0] += 1
            amount = row[2]
            if type(amount) is int:  # SQLite lets a forger write anything; the text tells
                total[1] += amount

    @staticmethod
    def selected(reader: JournalReader) -> str:
        return (
            "amount, phase, transaction_type, category, coalesce(system_account, ''),"
            f" counter_account, {reader.hour}"
        )

    def flows(self) -> Counter[str]:
        """What flowed into each system account, less what flowed out. Holds have not flowed."""
        flows: Counter[str] = Counter()
        for (phase, _, _, system, counter, _), (_, amount) in self.totals.items():
            if phase in MOVED:
                flows[counter] -= amount
                if system:
                    flows[system] += amount
        return flows


class SealNotStored(RuntimeError):
    """The database took a seal and does not have it: a rule or trigger drops what is written."""


@dataclass(frozen=True, slots=True)
class _Range:
    to_id: int
    texts: list[bytes]
    tally: MovementTally


def seal(db: Session, book: Book, *, most_rows: int = 10_000) -> int:
    """Seal the rows after the last seal, up to `most_rows` of them; how many were sealed.

    Not to be called inside `atomic`, where it could wait for a row that others wait with.
    """
    if is_atomic(db):
        raise RuntimeError("seal in a transaction of its own")
    barrier = _barrier(db, book)
    previous = head(db, book)
    if barrier is None or barrier <= (previous.to_id if previous else 0):
        return 0
    found = _read(db, book, previous.to_id if previous else 0, barrier, most_rows)
    sealed = _sealed(book, previous, found)
    hour_sums = _hour_sums(book, found.tally)
    day_sums = _day_sums(hour_sums)
    try:
        with atomic(db):
            db.add(sealed)
            db.flush()
            _refuse_unless_stored(db, sealed)
            _add_to(db, LedgerHourSum, hour_sums)
            _add_to(db, LedgerDaySum, day_sums)
    except IntegrityError:
        return 0  # another process sealed this range first
    # The log lies outside the database: who rewrites rows and seals cannot rewrite it too.
    log().info(
        "ledger_sealed",
        book=book.name,
        from_id=sealed.from_id,
        to_id=sealed.to_id,
        rows=sealed.row_count,
        hash=sealed.hash,
    )
    return sealed.row_count


def seal_is_due(db: Session, book: Book) -> bool:
    """Whether about `_ENOUGH_ROWS` wait for a seal, or one that was posted `_LONG_ENOUGH` ago."""
    last = head(db, book)
    journal = book.journal
    after = select(journal.id, journal.created_at).where(journal.id > (last.to_id if last else 0))
    oldest = db.execute(after.order_by(journal.id).limit(1)).first()
    newest = db.execute(after.order_by(journal.id.desc()).limit(1)).first()
    if oldest is None or newest is None:
        return False
    waited_long: bool = oldest.created_at <= now() - _LONG_ENOUGH
    return waited_long or newest.id - oldest.id >= _ENOUGH_ROWS


def chained_hash(seal: LedgerSeal, texts: Iterable[bytes]) -> str:
    """SHA-256 over the line of the seal's own facts and the lines of its rows."""
    facts = [
        seal.previous_hash,
        seal.book,
        seal.from_id,
        seal.to_id,
        seal.row_count,
        {name: seal.system_balances[name] for name in sorted(seal.system_balances)},
        seal.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    ]
    lines = [json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode(), *texts]
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def digests(texts: Sequence[bytes]) -> bytes:
    """BLAKE2b of each row's text, `DIGEST_BYTES` each."""
    blake2b = hashlib.blake2b
    return b"".join([blake2b(line, digest_size=DIGEST_BYTES).digest() for line in texts])


def _barrier(db: Session, book: Book) -> int | None:
    """The highest id below which nothing can appear any more; None while somebody writes on.

    PostgreSQL gives ids before commit. Holding off writers for the moment of reading makes sure
    that every id up to the highest is committed or never will be. SQLite has one writer.
    """
    highest = select(func.max(book.journal.id))
    if db.get_bind().dialect.name == "sqlite":
        return db.scalar(highest)
    try:
        with atomic(db):
            db.execute(text(f"SET LOCAL lock_timeout = '{_BARRIER_TIMEOUT}'"))
            db.execute(text(f"LOCK TABLE {table(book.journal)} IN SHARE MODE"))
            return db.scalar(highest)
    except OperationalError:
        log().info("ledger_seal_put_off", book=book.name, reason="a long transaction writes")
        return None


def _read(db: Session, book: Book, after_id: int, to_id: int, most_rows: int) -> _Range:
    reader = JournalReader(book, db.connection())
    rows = reader.texts(after_id, to_id, most_rows, MovementTally.selected(reader))
    tally = MovementTally()
    tally.add(rows)
    return _Range(
        # A range that was read to its end also closes the gap after its last row.
        to_id=to_id if len(rows) < most_rows else rows[-1][0],
        texts=[row[1].encode() for row in rows],
        tally=tally,
    )


def _sealed(book: Book, previous: LedgerSeal | None, found: _Range) -> LedgerSeal:
    balances: Counter[str] = Counter(dict.fromkeys(book.system_accounts, 0))
    balances.update(previous.system_balances if previous else {})
    balances.update(found.tally.flows())
    seal = LedgerSeal(
        book=book.name,
        from_id=previous.to_id + 1 if previous else 1,
        to_id=found.to_id,
        row_count=len(found.texts),
        system_balances=dict(sorted(balances.items())),
        previous_hash=previous.hash if previous else FIRST_HASH,
        row_digests=digests(found.texts),
        created_at=now(),
    )
    seal.hash = chained_hash(seal, found.texts)
    return seal


def _refuse_unless_stored(db: Session, seal: LedgerSeal) -> None:
    """Else the same rows would be sealed, and their sums added, again and again."""
    stored = select(LedgerSeal.hash).where(
        LedgerSeal.book == seal.book, LedgerSeal.to_id == seal.to_id
    )
    if db.scalar(stored) != seal.hash:
        raise SealNotStored(f"the {seal.book} book's seal up to row {seal.to_id} was not stored")


def _hour_sums(book: Book, tally: MovementTally) -> list[dict[str, Any]]:
    rows = []
    for kind, (row_count, amount) in tally.totals.items():
        phase, transaction_type, category, system_account, counter_account, hour = kind
        rows.append(
            {
                "book": book.name,
                "day": date.fromisoformat(hour[:10]),
                "hour": int(hour[11:]),
                "transaction_type": transaction_type,
                "category": category,
                "phase": phase,
                "system_account": system_account,
                "counter_account": counter_account,
                "row_count": row_count,
                "amount": amount,
            }
        )
    return rows


def _day_sums(hour_sums: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    days: dict[tuple[Any, ...], dict[str, Any]] = {}
    figures = ("row_count", "amount")
    for row in hour_sums:
        labels = {name: value for name, value in row.items() if name not in ("hour", *figures)}
        day = days.setdefault(tuple(labels.values()), labels | dict.fromkeys(figures, 0))
        for figure in figures:
            day[figure] += row[figure]
    return list(days.values())


def _add_to(db: Session, kind: type[SealedSum], rows: list[dict[str, Any]]) -> None:
    on_sqlite = db.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(kind) if on_sqlite else postgresql.insert(kind)
    added = insert.on_conflict_do_update(
        index_elements=list(inspect(kind).primary_key),
        set_={
            "row_count": kind.row_count + insert.excluded.row_count,
            "amount": kind.amount + insert.excluded.amount,
        },
    )
    db.execute(added, rows)
