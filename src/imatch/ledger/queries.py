"""Queries of the books: balances, sums, statements, seals, audits and expired holds."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, Literal
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    Integer,
    Row,
    Select,
    String,
    bindparam,
    cast,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.orm import Session, aliased

from imatch.core.clock import now
from imatch.core.ids import MAX_BIGINT
from imatch.core.paging import Page, page_of
from imatch.ledger.books import BOOKS, Book
from imatch.ledger.models import (
    MOVED,
    Account,
    JournalRow,
    LedgerAudit,
    LedgerDaySum,
    LedgerHourSum,
    LedgerSeal,
    Phase,
    TransactionType,
)

# An audit runs every night. One may fail and be repeated; after three nights something is wrong.
MAX_AUDIT_AGE = timedelta(days=3)

RowLabel = Literal[
    "day",
    "hour",
    "transaction_type",
    "category",
    "phase",
    "system_account",
    "counter_account",
]
DAILY: tuple[RowLabel, ...] = (
    "day",
    "transaction_type",
    "category",
    "phase",
    "system_account",
    "counter_account",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Count and signed sum of the rows with equal labels. Labels not in the query are None.

    `system_account` is "" if people own the rows. Days and hours are in UTC.
    """

    day: date | None = None
    hour: int | None = None
    transaction_type: str | None = None
    category: str | None = None
    phase: str | None = None
    system_account: str | None = None
    counter_account: str | None = None
    row_count: int
    amount: int


def account(db: Session, book: Book, user_id: int) -> Account | None:
    """A person's account, read from the database; None before their first entry."""
    return db.get(book.accounts, user_id, populate_existing=True)


def free(db: Session, book: Book, user_id: int) -> int:
    """A person's free amount: balance minus held; 0 before their first entry."""
    row = account(db, book, user_id)
    return row.balance - row.held if row else 0


def head(db: Session, book: Book) -> LedgerSeal | None:
    """The last seal: its hash covers every row up to its `to_id`; None before the first seal."""
    return db.scalars(
        select(LedgerSeal)
        .where(LedgerSeal.book == book.name)
        .order_by(LedgerSeal.to_id.desc())
        .limit(1)
    ).first()


def system_balances(db: Session, book: Book) -> dict[str, int]:
    """The net inflow of each system account. Holds do not count: they have not moved.

    The last seal stores the balances up to its rows; only later rows are read.
    """
    journal = book.journal
    last = head(db, book)
    totals = dict.fromkeys(book.system_accounts, 0) | (last.system_balances if last else {})
    flows = (
        select(journal.system_account, journal.counter_account, func.sum(journal.amount))
        .where(
            _is_unsealed(journal, literal(last.to_id if last else 0)),
            journal.phase.in_(MOVED),
        )
        .group_by(journal.system_account, journal.counter_account)
    )
    for system_account, counter_account, amount in db.execute(flows):
        for account, flow in ((counter_account, -int(amount)), (system_account, int(amount))):
            if account:  # also an unknown account: the audit reports its rows
                totals[account] = totals.get(account, 0) + flow
    return totals


def sums(
    db: Session,
    book: Book,
    since: date | None = None,
    until: date | None = None,
    *,
    by: Sequence[RowLabel] = DAILY,
    transaction_types: Sequence[TransactionType] = (),
) -> list[Sum]:
    """Sums of rows with since <= day < until, grouped by `by` and in the order of these labels.

    Sealed sums replace sealed rows, so the cost does not grow with the journal. Query by `hour`
    only over weeks: each hour and kind has its own row.
    """
    sum_query = _SumQuery(since, until, tuple(by), tuple(transaction_types))
    sealed_to, sealed = _sealed_sums(db, book, sum_query)
    query = _unsealed(book, sum_query, on_sqlite=db.get_bind().dialect.name == "sqlite")
    unsealed = db.execute(query, {"sealed_to": sealed_to}).all()
    totals: dict[tuple[Any, ...], list[int]] = {}
    for *labels, row_count, amount in (*sealed, *unsealed):
        total = totals.setdefault(tuple(labels), [0, 0])
        total[0] += int(row_count)
        total[1] += int(amount)
    return [
        Sum(**_labels_by_name(by, labels), row_count=row_count, amount=amount)
        for labels, (row_count, amount) in sorted(totals.items())
    ]


@dataclass(frozen=True, slots=True)
class _SumQuery:
    since: date | None
    until: date | None
    by: tuple[RowLabel, ...]
    transaction_types: tuple[TransactionType, ...]


_SumRows = Sequence[Row[*tuple[Any, ...]]]
_MAX_CACHED_SUMS = 64
_cached_sums: WeakKeyDictionary[Engine, OrderedDict[tuple[str, _SumQuery], _SumRows]] = (
    WeakKeyDictionary()
)
_cache_lock = Lock()


def _sealed_sums(db: Session, book: Book, sum_query: _SumQuery) -> tuple[int, _SumRows]:
    """The last sealed id, and the sums of the sealed rows; cached until the next seal.

    Outside a snapshot, a new seal may be stored between reading the last seal and the sums. Then
    both are read again.
    """
    last = head(db, book)
    while last is not None:
        key = (last.hash, sum_query)
        with _cache_lock:
            cache = _cached_sums.setdefault(db.get_bind().engine, OrderedDict())
            rows = cache.get(key)
        if rows is not None:
            return last.to_id, rows
        rows = db.execute(_sealed(book, sum_query)).all()
        newest = head(db, book)
        if newest is not None and newest.to_id == last.to_id:
            with _cache_lock:
                cache[key] = rows
                if len(cache) > _MAX_CACHED_SUMS:
                    cache.popitem(last=False)
            return last.to_id, rows
        last = newest
    return 0, ()


def _labels_by_name(by: Sequence[RowLabel], labels: tuple[Any, ...]) -> dict[str, Any]:
    return {
        name: date.fromisoformat(value) if name == "day" else value
        for name, value in zip(by, labels, strict=True)
    }


def _sealed(book: Book, sum_query: _SumQuery) -> Select[*tuple[Any, ...]]:
    kind = LedgerHourSum if "hour" in sum_query.by else LedgerDaySum
    labels = [
        cast(kind.day, String) if name == "day" else getattr(kind, name) for name in sum_query.by
    ]
    query = select(*labels, func.sum(kind.row_count), func.sum(kind.amount)).where(
        kind.book == book.name
    )
    if sum_query.since:
        query = query.where(kind.day >= sum_query.since)
    if sum_query.until:
        query = query.where(kind.day < sum_query.until)
    if sum_query.transaction_types:
        query = query.where(kind.transaction_type.in_(sum_query.transaction_types))
    return query.group_by(*labels)


@lru_cache(maxsize=128)  # building the query takes as long as running it
def _unsealed(book: Book, sum_query: _SumQuery, *, on_sqlite: bool) -> Select[*tuple[Any, ...]]:
    """The query of unsealed rows. It compares days as texts, so that the index by id is used."""
    journal = book.journal
    day, hour = (
        func.substr(journal.created_at, start, length)
        if on_sqlite
        else func.to_char(func.timezone("UTC", journal.created_at), shape)
        for start, length, shape in ((1, 10, "YYYY-MM-DD"), (12, 2, "HH24"))
    )
    expressions: dict[str, ColumnElement[Any]] = {
        "day": day,
        "hour": cast(hour, Integer),
        # Strings, as in sealed sums, also for invalid values in forged rows.
        "transaction_type": type_coerce(journal.transaction_type, String),
        "phase": type_coerce(journal.phase, String),
        "system_account": func.coalesce(journal.system_account, ""),
    }
    labels = [
        expressions[name] if name in expressions else getattr(journal, name)
        for name in sum_query.by
    ]
    query = select(*labels, func.count(), func.sum(journal.amount)).where(
        _is_unsealed(journal, bindparam("sealed_to", type_=BigInteger))
    )
    if sum_query.since:
        query = query.where(day >= sum_query.since.isoformat())
    if sum_query.until:
        query = query.where(day < sum_query.until.isoformat())
    if sum_query.transaction_types:
        query = query.where(journal.transaction_type.in_(sum_query.transaction_types))
    return query.group_by(*labels)


def _is_unsealed(journal: type[JournalRow], sealed_to: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition of unsealed rows.

    With both bounds PostgreSQL expects few rows and uses the index, even without statistics, as
    after a restore. With one bound it would expect a third of all rows.
    """
    return journal.id.between(sealed_to + 1, MAX_BIGINT)


def people_totals(db: Session, book: Book) -> tuple[int, int]:
    """The sums of all people's balances and of their held amounts."""
    kind = book.accounts
    balance, held = db.execute(
        select(func.coalesce(func.sum(kind.balance), 0), func.coalesce(func.sum(kind.held), 0))
    ).one()
    return int(balance), int(held)


def statement(
    db: Session,
    book: Book,
    user_id: int,
    *,
    after_id: int | None = None,
    limit: int = 50,
    transaction_types: Sequence[TransactionType] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[JournalRow]:
    """A page of a person's entries, newest first: since <= created_at < until.

    `after_id` is the last id of the previous page.
    """
    journal = book.journal
    query = select(journal).where(*_is_of_person(db, journal, user_id, after_id))
    if transaction_types:
        query = query.where(journal.transaction_type.in_(transaction_types))
    if since is not None:
        query = query.where(journal.created_at >= since)
    if until is not None:
        query = query.where(journal.created_at < until)
    newest_first = query.order_by(journal.user_id.desc(), journal.id.desc())
    rows = db.scalars(newest_first.limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: row.id)


def _is_of_person(
    db: Session, journal: type[JournalRow], user_id: int, after_id: int | None
) -> Sequence[ColumnElement[bool]]:
    """Conditions that make both databases use the index by person and id."""
    if db.get_bind().dialect.name == "sqlite":
        older = [] if after_id is None else [journal.id < after_id]
        return [journal.user_id == user_id, *older]
    # With "=", PostgreSQL may scan the whole journal by id if it overestimates the person's rows.
    # For a range of people, no other index has the requested order.
    if after_id is None:
        return [journal.user_id.between(user_id, user_id)]
    return [journal.user_id >= user_id, tuple_(journal.user_id, journal.id) < (user_id, after_id)]


def last_audits(db: Session) -> list[LedgerAudit]:
    """The result of the last audit of each book."""
    return list(db.scalars(select(LedgerAudit).order_by(LedgerAudit.book.desc())))


def audit_is_missed(db: Session, audits: Iterable[LedgerAudit]) -> bool:
    """Whether a book's last audit, or its first seal without any audit, exceeds MAX_AUDIT_AGE.

    `audits` are the last audits. The first seal shows how long a book has been in use: the rows
    of a demonstration are older than their database.
    """
    limit = now() - MAX_AUDIT_AGE
    ended = {audit.book: audit.ended_at for audit in audits}
    for book in BOOKS.values():
        if book.name in ended:
            missed = ended[book.name] < limit
        else:
            seals = select(LedgerSeal.created_at).where(LedgerSeal.book == book.name)
            first_sealed_at = db.scalar(seals.order_by(LedgerSeal.to_id).limit(1))
            missed = first_sealed_at is not None and first_sealed_at < limit
        if missed:
            return True
    return False


def expired_holds(db: Session, book: Book, *, limit: int) -> list[int]:
    """The ids of expired open holds, the oldest first, at most `limit`."""
    hold = aliased(book.journal)
    resolved = select(book.journal.id).where(book.journal.hold_id == hold.id)
    return list(
        db.scalars(
            select(hold.id)
            .where(hold.phase == Phase.HOLD, hold.expires_at <= now(), ~resolved.exists())
            .order_by(hold.expires_at)
            .limit(limit)
        )
    )
