"""Read a journal's rows in pages, with the text of each row that seals hash.

The text of a row is the JSON array of all its columns in the order of `COLUMNS`: without spaces,
non-ASCII characters unescaped, moments in UTC to the microsecond. It is equal on SQLite and
PostgreSQL, so a journal moved from one to the other still matches its seals.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from imatch.ledger.books import Book
from imatch.ledger.posting.statements import table

COLUMNS = (
    "id",
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
    "balance_before",
    "balance_after",
    "held_after",
    "idempotency_key",
    "metadata",
    "created_at",
)
_NUMBER_COLUMNS = {
    "id",
    "user_id",
    "amount",
    "reference_id",
    "hold_id",
    "balance_before",
    "balance_after",
    "held_after",
}
_MOMENT_COLUMNS = {"expires_at", "created_at"}
PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class JournalReader:
    """A book's journal on one database connection."""

    book: Book
    connection: Connection

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name

    @property
    def text(self) -> str:
        """SQL for the text of a row."""
        if self.dialect == "sqlite":
            return f"json_array({', '.join(COLUMNS)})"
        values = (f"coalesce({_postgresql_json(name)}, 'null')" for name in COLUMNS)
        return "'[' || " + " || ',' || ".join(values) + " || ']'"

    @property
    def hour(self) -> str:
        """SQL for a row's hour in UTC, as in "2026-03-01 09"."""
        if self.dialect == "sqlite":
            return "substr(created_at, 1, 13)"
        return "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"

    def page(
        self, expressions: str, after_id: int, to_id: int, max_rows: int = PAGE_ROWS
    ) -> list[tuple[Any, ...]]:
        """`id` and `expressions` of the rows with after_id < id <= to_id, in order."""
        driver: Any = self.connection.connection.driver_connection
        placeholder = "?" if self.dialect == "sqlite" else "%s"
        rows: list[tuple[Any, ...]] = driver.execute(
            f"SELECT id, {expressions} FROM {table(self.book.journal)}"
            f" WHERE id > {placeholder} AND id <= {placeholder} ORDER BY id LIMIT {placeholder}",
            (after_id, to_id, max_rows),
        ).fetchall()
        return rows

    def texts(
        self, after_id: int, to_id: int, max_rows: int, expressions: str = "0"
    ) -> list[tuple[Any, ...]]:
        """Each row's id, text, and the values of `expressions`."""
        try:
            return self.page(f"{self.text}, {expressions}", after_id, to_id, max_rows)
        except sqlite3.OperationalError:
            # A row contains bytes instead of text, which JSON cannot encode: find out which row.
            rows = self.page(expressions, after_id, to_id, max_rows)
            return [(row_id, self._text_of(row_id), *rest) for row_id, *rest in rows]

    def _text_of(self, row_id: int) -> str:
        try:
            return str(self.page(self.text, row_id - 1, row_id)[0][1])
        except sqlite3.OperationalError:
            return "unreadable"

    def pages(self, expressions: str, after_id: int, to_id: int) -> Iterator[list[tuple[Any, ...]]]:
        """All pages of these rows; PAGE_ROWS at a time, to limit memory use."""
        while rows := self.page(expressions, after_id, to_id):
            yield rows
            after_id = rows[-1][0]


def _postgresql_json(name: str) -> str:
    if name in _NUMBER_COLUMNS:
        return f"{name}::text"
    if name in _MOMENT_COLUMNS:
        # A moment needs no escapes.
        return f"'\"' || to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '\"'"
    return f"to_json({name}::text)::text"
