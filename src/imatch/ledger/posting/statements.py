"""SQL that inserts journal rows, for SQLite and PostgreSQL.

Balances change inside the database, under the account's row lock: the insert trigger applies a row
to its account and checks it. A row that is not allowed is not inserted; `Journal` then finds the
reason.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from imatch.core.columns import Base
from imatch.ledger.books import Book
from imatch.ledger.models import Phase
from imatch.ledger.movements import Movement

_COLUMNS = (
    "user_id",
    "system_account",
    "counter_account",
    "amount",
    "transaction_type",
    "category",
    "description",
    "reference_type",
    "reference_id",
    "phase",
    "hold_id",
    "expires_at",
    "idempotency_key",
    "metadata",
    "created_at",
)
_POSTGRESQL_TYPES = {
    "user_id": "bigint",
    "amount": "bigint",
    "reference_id": "bigint",
    "hold_id": "bigint",
    "expires_at": "timestamptz",
    "metadata": "json",
    "created_at": "timestamptz",
}
_RETURNED_COLUMNS = "id, idempotency_key, balance_before, balance_after"
_COLUMN_LIST = ", ".join(_COLUMNS)
_SQLITE_COLUMN_LIST = f"{_COLUMN_LIST}, balance_before, balance_after, held_after"


def table(kind: type[object]) -> str:
    """The table name of a book's model. Raises TypeError for any other class."""
    if not issubclass(kind, Base):
        raise TypeError(f"{kind.__name__} is no table")
    return str(kind.__tablename__)


@cache
def sqlite_insert(book: Book, phase: Phase, *, person: bool) -> str:
    """Insert one row, the fast way: a row that is not allowed raises and changes nothing.

    The same statement reads and writes the running balance.
    """
    if not person or phase in (Phase.POST, Phase.VOID):
        return sqlite_insert_if_possible(book, phase, person=person)
    values = ", ".join(f"?{number}" for number in range(1, len(_COLUMNS) + 1))
    user_id, amount = (f"?{_COLUMNS.index(name) + 1}" for name in ("user_id", "amount"))
    held_change = "" if phase is Phase.DIRECT else f" - {amount}"
    balances = ", ".join(
        f"(SELECT {value} FROM {table(book.accounts)} WHERE user_id = {user_id})"
        for value in ("balance - held", f"balance - held + {amount}", f"held{held_change}")
    )
    return (
        f"INSERT INTO {table(book.journal)} ({_SQLITE_COLUMN_LIST}) VALUES ({values}, {balances})"
        f" RETURNING {_RETURNED_COLUMNS}"
    )


@cache
def sqlite_insert_if_possible(book: Book, phase: Phase, *, person: bool) -> str:
    """Insert one row, or none if funds are short, the person unknown or the hold not open."""
    journal = table(book.journal)
    values = ", ".join("?" * len(_COLUMNS))
    if not person:
        source = f"SELECT {values}, NULL, NULL, NULL WHERE true"
    elif phase in (Phase.DIRECT, Phase.HOLD):
        held_change = "0" if phase is Phase.DIRECT else "-r.amount"
        source = f"""
            SELECT r.*, a.balance - a.held, a.balance - a.held + r.amount, a.held + {held_change}
            FROM (SELECT {_with_column_names(values)}) r
            JOIN {table(book.accounts)} a ON a.user_id = r.user_id
            WHERE a.balance - a.held + r.amount >= 0"""
    else:
        freed = "r.amount - h.amount" if phase is Phase.POST else "r.amount"
        source = f"""
            SELECT r.*, a.balance - a.held, a.balance - a.held + {freed}, a.held + h.amount
            FROM (SELECT {_with_column_names(values)}) r
            JOIN {table(book.accounts)} a ON a.user_id = r.user_id
            JOIN {journal} h ON h.id = r.hold_id AND h.phase = '{Phase.HOLD}'
            WHERE NOT EXISTS (SELECT 1 FROM {journal} t WHERE t.hold_id = r.hold_id)
              AND (r.phase = '{Phase.VOID}' OR h.expires_at IS NULL OR h.expires_at > r.created_at)
              AND abs(r.amount) <= -h.amount"""
    return f"INSERT INTO {journal} ({_SQLITE_COLUMN_LIST}) {source} RETURNING {_RETURNED_COLUMNS}"


def _with_column_names(values: str) -> str:
    return ", ".join(
        f"{value} AS {column}" for value, column in zip(values.split(", "), _COLUMNS, strict=True)
    )


@cache
def postgresql_insert(book: Book) -> str:
    """Insert any number of rows in one round trip: each parameter is a column's array."""
    arrays = ", ".join(
        f"%s::{'text' if name == 'metadata' else _POSTGRESQL_TYPES.get(name, 'text')}[]"
        for name in _COLUMNS
    )
    selected = ", ".join(
        f"r.{name}::json" if name == "metadata" else f"r.{name}" for name in _COLUMNS
    )
    return (
        f"INSERT INTO {table(book.journal)} ({_COLUMN_LIST})"
        f" SELECT {selected} FROM unnest({arrays}) AS r({_COLUMN_LIST})"
        f" RETURNING {_RETURNED_COLUMNS}"
    )


def sqlite_values(movement: Movement) -> tuple[object, ...]:
    expires_at = movement.expires_at
    return _values(
        movement,
        _sqlite_moment(movement.created_at),
        None if expires_at is None else _sqlite_moment(expires_at),
    )


def _sqlite_moment(moment: datetime) -> str:
    """The text that SQLAlchemy stores: UTC, without an offset."""
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def postgresql_arrays(movements: Sequence[Movement]) -> list[str | None]:
    """Each column as a PostgreSQL array literal, in a third of the driver's time.

    None for a column without values: `unnest` fills it with NULL.
    """
    rows = (_values(movement, movement.created_at, movement.expires_at) for movement in movements)
    columns = zip(*rows, strict=True)
    return [
        None
        if column.count(None) == len(column)
        else "{" + ",".join(map(_array_element, column)) + "}"
        for column in columns
    ]


def _array_element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else str(value)
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _values(movement: Movement, created_at: object, expires_at: object) -> tuple[object, ...]:
    details = movement.details
    return (
        movement.user_id,
        movement.system_account,
        movement.counter_account,
        movement.amount,
        movement.transaction_type,
        movement.category,
        movement.description,
        movement.reference_type,
        movement.reference_id,
        movement.phase.value,
        movement.hold_id,
        expires_at,
        movement.key,
        None if details is None else json.dumps(details, sort_keys=True, ensure_ascii=False),
        created_at,
    )
