"""Seal final ranges of a journal, so that an audit detects every change of their rows."""

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
# Writers queue behind a waiting lock. It is better to seal a minute later than to block them.
_LOCK_TIMEOUT = "500ms"
# A seal per row would cost more than the row, but a row must not wait long for its seal.
_MIN_ROWS_PER_SEAL = 1_000
_MAX_SEAL_DELAY = timedelta(minutes=15)

MovementKind = tuple[str, str, str, str, str, str]


@dataclass(slots=True)
class MovementTally:
    """Sums of rows by kind: phase, type, category, system account, counter account, hour."""

    # [row count, amount]: lists, because they are faster, and there are millions of rows.
    totals: dict[MovementKind, list[int]] = field(default_factory=dict)

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows of (id, text, *selected)."""
        totals = self.totals
        for row in rows:
            kind: Any = row[3:]
            total = totals.get(kind)
            if total is None:
                total = totals[kind] = [0, 0]
            total[0] += 1
            amount = row[2]
            if type(amount) is int:  # SQLite accepts any type; the row's text shows it
                total[1] += amount

    @staticmethod
    def selected(reader: JournalReader) -> str:
        return (
            "amount, phase, transaction_type, category, coalesce(system_account, ''),"
            f" counter_account, {reader.hour}"
        )

    def flows(self) -> Counter[str]:
        """The net inflow of each system account. Holds do not count: they have not moved."""
        flows: Counter[str] = Counter()
        for (phase, _, _, system, counter, _), (_, amount) in self.totals.items():
            if phase in MOVED:
                flows[counter] -= amount
                if system:
                    flows[system] += amount
        return flows


class SealNotStored(RuntimeError):
    """An inserted seal is not in the database: a rule or trigger discards it."""


@dataclass(frozen=True, slots=True)
class _Range:
    to_id: int
    texts: list[bytes]
    tally: MovementTally


def seal(db: Session, book: Book, *, max_rows: int = 10_000) -> int:
    """Seal up to `max_rows` rows after the last seal; returns how many were sealed.

    Raises RuntimeError inside `atomic`, where it could deadlock, and SealNotStored.
    """
    if is_atomic(db):
        raise RuntimeError("seal in a transaction of its own")
    highest_final_id = _highest_final_id(db, book)
    previous = head(db, book)
    if highest_final_id is None or highest_final_id <= (previous.to_id if previous else 0):
        return 0
    rows_to_seal = _read(db, book, previous.to_id if previous else 0, highest_final_id, max_rows)
    new_seal = _new_seal(book, previous, rows_to_seal)
    hour_sums = _hour_sums(book, rows_to_seal.tally)
    day_sums = _day_sums(hour_sums)
    try:
        with atomic(db):
            db.add(new_seal)
            db.flush()
            _check_stored(db, new_seal)
            _add_to(db, LedgerHourSum, hour_sums)
            _add_to(db, LedgerDaySum, day_sums)
    except IntegrityError:
        return 0  # another process sealed this range first
    # The log is outside the database: an attacker who rewrites rows and seals cannot change it.
    log().info(
        "ledger_sealed",
        book=book.name,
        from_id=new_seal.from_id,
        to_id=new_seal.to_id,
        rows=new_seal.row_count,
        hash=new_seal.hash,
    )
    return new_seal.row_count


def seal_is_due(db: Session, book: Book) -> bool:
    """Whether about `_MIN_ROWS_PER_SEAL` rows are unsealed, or one since `_MAX_SEAL_DELAY`."""
    last = head(db, book)
    journal = book.journal
    after = select(journal.id, journal.created_at).where(journal.id > (last.to_id if last else 0))
    oldest = db.execute(after.order_by(journal.id).limit(1)).first()
    newest = db.execute(after.order_by(journal.id.desc()).limit(1)).first()
    if oldest is None or newest is None:
        return False
    is_overdue: bool = oldest.created_at <= now() - _MAX_SEAL_DELAY
    return is_overdue or newest.id - oldest.id >= _MIN_ROWS_PER_SEAL


def chained_hash(seal: LedgerSeal, texts: Iterable[bytes]) -> str:
    """SHA-256 over a line with the seal's own values, followed by the texts of its rows."""
    values = [
        seal.previous_hash,
        seal.book,
        seal.from_id,
        seal.to_id,
        seal.row_count,
        {name: seal.system_balances[name] for name in sorted(seal.system_balances)},
        seal.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    ]
    lines = [json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode(), *texts]
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def digests(texts: Sequence[bytes]) -> bytes:
    """The concatenated BLAKE2b digests of the rows' texts, `DIGEST_BYTES` each."""
    blake2b = hashlib.blake2b
    return b"".join([blake2b(line, digest_size=DIGEST_BYTES).digest() for line in texts])


def _highest_final_id(db: Session, book: Book) -> int | None:
    """The highest final id of the journal; None while a long transaction is still writing.

    PostgreSQL assigns ids before commit. The table lock blocks writers during the read: every id
    up to the highest is then committed or will never be. SQLite has a single writer.
    """
    highest = select(func.max(book.journal.id))
    if db.get_bind().dialect.name == "sqlite":
        return db.scalar(highest)
    try:
        with atomic(db):
            db.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
            db.execute(text(f"LOCK TABLE {table(book.journal)} IN SHARE MODE"))
            return db.scalar(highest)
    except OperationalError:
        log().info("ledger_seal_postponed", book=book.name, reason="a long transaction writes")
        return None


def _read(db: Session, book: Book, after_id: int, to_id: int, max_rows: int) -> _Range:
    reader = JournalReader(book, db.connection())
    rows = reader.texts(after_id, to_id, max_rows, MovementTally.selected(reader))
    tally = MovementTally()
    tally.add(rows)
    return _Range(
        # A completely read range includes the unused ids after its last row.
        to_id=to_id if len(rows) < max_rows else rows[-1][0],
        texts=[row[1].encode() for row in rows],
        tally=tally,
    )


def _new_seal(book: Book, previous: LedgerSeal | None, rows_to_seal: _Range) -> LedgerSeal:
    balances: Counter[str] = Counter(dict.fromkeys(book.system_accounts, 0))
    balances.update(previous.system_balances if previous else {})
    balances.update(rows_to_seal.tally.flows())
    seal = LedgerSeal(
        book=book.name,
        from_id=previous.to_id + 1 if previous else 1,
        to_id=rows_to_seal.to_id,
        row_count=len(rows_to_seal.texts),
        system_balances=dict(sorted(balances.items())),
        previous_hash=previous.hash if previous else FIRST_HASH,
        row_digests=digests(rows_to_seal.texts),
        created_at=now(),
    )
    seal.hash = chained_hash(seal, rows_to_seal.texts)
    return seal


def _check_stored(db: Session, seal: LedgerSeal) -> None:
    """Raise SealNotStored if the seal is missing: its rows would be sealed and summed again."""
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
    upsert = insert.on_conflict_do_update(
        index_elements=list(inspect(kind).primary_key),
        set_={
            "row_count": kind.row_count + insert.excluded.row_count,
            "amount": kind.amount + insert.excluded.amount,
        },
    )
    db.execute(upsert, rows)
