"""Read the books: what people and system accounts have, statements, seals and audits."""

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

# An audit runs every night: one that failed may be repeated, three are no accident.
AUDIT_WITHIN = timedelta(days=3)

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
    """Rows alike: how many, and their signed amounts added up. Labels not asked for are None.

    `system_account` is "" where people own the rows. Days and hours are in UTC.
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
    """What a person has, fresh from the database; None before their first entry."""
    return db.get(book.accounts, user_id, populate_existing=True)


def free(db: Session, book: Book, user_id: int) -> int:
    found = account(db, book, user_id)
    return found.balance - found.held if found else 0


def head(db: Session, book: Book) -> LedgerSeal | None:
    """The last seal: its hash stands for every row up to its `to_id`."""
    return db.scalars(
        select(LedgerSeal)
        .where(LedgerSeal.book == book.name)
        .order_by(LedgerSeal.to_id.desc())
        .limit(1)
    ).first()


def system_balances(db: Session, book: Book) -> dict[str, int]:
    """What flowed into each system account, less what flowed out. Holds have not flowed.

    The last seal knows them; only the rows after it are read.
    """
    journal = book.journal
    last = head(db, book)
    totals = dict.fromkeys(book.system_accounts, 0) | (last.system_balances if last else {})
    flows = (
        select(journal.system_account, journal.counter_account, func.sum(journal.amount))
        .where(
            _since_seal(journal, literal(last.to_id if last else 0)),
            journal.phase.in_(MOVED),
        )
        .group_by(journal.system_account, journal.counter_account)
    )
    for system_account, counter_account, amount in db.execute(flows):
        for account, flow in ((counter_account, -int(amount)), (system_account, int(amount))):
            if account:  # also one that the book does not have: the audit names its rows
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
    """What moved from one day to the day before another, added up by some labels, in their order.

    Sealed rows are not read, so it costs the same at any size of the journal. Ask for `hour` only
    over weeks: each hour and kind has a row of its own.
    """
    wanted = _Wanted(since, until, tuple(by), tuple(transaction_types))
    sealed_to, sealed = _sealed_sums(db, book, wanted)
    query = _unsealed(book, wanted, on_sqlite=db.get_bind().dialect.name == "sqlite")
    unsealed = db.execute(query, {"sealed_to": sealed_to}).all()
    totals: dict[tuple[Any, ...], list[int]] = {}
    for *labels, row_count, amount in (*sealed, *unsealed):
        total = totals.setdefault(tuple(labels), [0, 0])
        total[0] += int(row_count)
        total[1] += int(amount)
    return [
        Sum(**_named(by, labels), row_count=row_count, amount=amount)
        for labels, (row_count, amount) in sorted(totals.items())
    ]


@dataclass(frozen=True, slots=True)
class _Wanted:
    since: date | None
    until: date | None
    by: tuple[RowLabel, ...]
    transaction_types: tuple[TransactionType, ...]


_SumRows = Sequence[Row[*tuple[Any, ...]]]
_REMEMBERED_SUMS = 64
_remembered: WeakKeyDictionary[Engine, OrderedDict[tuple[str, _Wanted], _SumRows]] = (
    WeakKeyDictionary()
)
_remembering = Lock()


def _sealed_sums(db: Session, book: Book, wanted: _Wanted) -> tuple[int, _SumRows]:
    """Up to which id rows are sealed, and their sums, which stay so until the next seal.

    Where each statement sees its own moment, a seal may come between reading the last one and
    reading the sums; then both are read again.
    """
    last = head(db, book)
    while last is not None:
        key = (last.hash, wanted)
        with _remembering:
            remembered = _remembered.setdefault(db.get_bind().engine, OrderedDict())
            found = remembered.get(key)
        if found is not None:
            return last.to_id, found
        found = db.execute(_sealed(book, wanted)).all()
        newest = head(db, book)
        if newest is not None and newest.to_id == last.to_id:
            with _remembering:
                remembered[key] = found
                if len(remembered) > _REMEMBERED_SUMS:
                    remembered.popitem(last=False)
            return last.to_id, found
        last = newest
    return 0, ()


def _named(by: Sequence[RowLabel], labels: tuple[Any, ...]) -> dict[str, Any]:
    named = dict(zip(by, labels, strict=True))
    return {
        name: date.fromisoformat(value) if name == "day" else value for name, value in named.items()
    }


def _sealed(book: Book, wanted: _Wanted) -> Select[*tuple[Any, ...]]:
    kind = LedgerHourSum if "hour" in wanted.by else LedgerDaySum
    labels = [
        cast(kind.day, String) if name == "day" else getattr(kind, name) for name in wanted.by
    ]
    query = select(*labels, func.sum(kind.row_count), func.sum(kind.amount)).where(
        kind.book == book.name
    )
    if wanted.since:
        query = query.where(kind.day >= wanted.since)
    if wanted.until:
        query = query.where(kind.day < wanted.until)
    if wanted.transaction_types:
        query = query.where(kind.transaction_type.in_(wanted.transaction_types))
    return query.group_by(*labels)


@lru_cache(maxsize=128)  # putting it together takes as long as running it
def _unsealed(book: Book, wanted: _Wanted, *, on_sqlite: bool) -> Select[*tuple[Any, ...]]:
    """By id alone: days are compared as texts, so that no database reads by another index."""
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
        # Texts as sealed sums have them, also of a row that a forger wrote.
        "transaction_type": type_coerce(journal.transaction_type, String),
        "phase": type_coerce(journal.phase, String),
        "system_account": func.coalesce(journal.system_account, ""),
    }
    labels = [
        expressions[name] if name in expressions else getattr(journal, name) for name in wanted.by
    ]
    query = select(*labels, func.count(), func.sum(journal.amount)).where(
        _since_seal(journal, bindparam("sealed_to", type_=BigInteger))
    )
    if wanted.since:
        query = query.where(day >= wanted.since.isoformat())
    if wanted.until:
        query = query.where(day < wanted.until.isoformat())
    if wanted.transaction_types:
        query = query.where(journal.transaction_type.in_(wanted.transaction_types))
    return query.group_by(*labels)


def _since_seal(journal: type[JournalRow], sealed_to: ColumnElement[int]) -> ColumnElement[bool]:
    """Rows that no seal covers yet.

    With both ends given PostgreSQL expects few and takes the index, also of a journal that it has
    no statistics of, as after a restore; with one end it would expect a third of all rows.
    """
    return journal.id.between(sealed_to + 1, MAX_BIGINT)


def people_totals(db: Session, book: Book) -> tuple[int, int]:
    """What all people together have, and how much of it is held."""
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
    """A person's entries, newest first. `after_id` is the last id of the page before.

    `since` is the first moment that counts, `until` the first one that does not.
    """
    journal = book.journal
    query = select(journal).where(*_of_person(db, journal, user_id, after_id))
    if transaction_types:
        query = query.where(journal.transaction_type.in_(transaction_types))
    if since is not None:
        query = query.where(journal.created_at >= since)
    if until is not None:
        query = query.where(journal.created_at < until)
    newest_first = query.order_by(journal.user_id.desc(), journal.id.desc())
    rows = db.scalars(newest_first.limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: row.id)


def _of_person(
    db: Session, journal: type[JournalRow], user_id: int, after_id: int | None
) -> Sequence[ColumnElement[bool]]:
    """Conditions that both databases answer from the index by person and id alone."""
    if db.get_bind().dialect.name == "sqlite":
        older = [] if after_id is None else [journal.id < after_id]
        return [journal.user_id == user_id, *older]
    # With "=", PostgreSQL may walk the whole journal by id, looking for a person whom it believes
    # to be everywhere. For a range of people no other index is in the wanted order.
    if after_id is None:
        return [journal.user_id.between(user_id, user_id)]
    return [journal.user_id >= user_id, tuple_(journal.user_id, journal.id) < (user_id, after_id)]


def last_audits(db: Session) -> list[LedgerAudit]:
    """What the last audit of each book found."""
    return list(db.scalars(select(LedgerAudit).order_by(LedgerAudit.book.desc())))


def audit_is_missed(db: Session, audits: Iterable[LedgerAudit]) -> bool:
    """Whether a book's last audit is too old, or none ended although it has a seal as old.

    `audits` are the last ones.
    Seals tell how long a book is in use: rows of a demonstration are older than their database.
    """
    limit = now() - AUDIT_WITHIN
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
    """Holds that are open although their time is over, the oldest first."""
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
