"""Insert movements into a journal on an open driver connection, with an outcome for each."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imatch.ledger.books import Book
from imatch.ledger.errors import (
    AccountNotFound,
    HoldNotOpen,
    InsufficientFunds,
    KeyReused,
    LedgerError,
)
from imatch.ledger.models import Phase
from imatch.ledger.movements import Entry, Movement
from imatch.ledger.posting.statements import (
    postgresql_arrays,
    postgresql_insert,
    sqlite_insert,
    sqlite_insert_if_possible,
    sqlite_values,
    table,
)

Outcome = Entry | LedgerError


@dataclass(frozen=True, slots=True)
class Journal:
    """A book on one driver connection with an open transaction."""

    book: Book
    connection: Any  # a sqlite3 or psycopg connection
    dialect: str

    def add(self, movements: Sequence[Movement]) -> list[Outcome]:
        """Post each movement that is allowed; returns an outcome for each, in the same order.

        A refused movement has a LedgerError as its outcome. It does not affect the others.
        """
        outcomes: dict[int, Outcome] = {}
        to_insert: list[int] = []
        for index, movement in enumerate(movements):
            try:
                movement.check(self.book)
            except LedgerError as error:
                outcomes[index] = error
            else:
                to_insert.append(index)
        # In ascending user id order, to avoid deadlocks.
        to_insert.sort(key=lambda index: movements[index].user_id or 0)
        rows = self._insert([movements[index] for index in to_insert])
        not_inserted = [movements[index] for index in to_insert if movements[index].key not in rows]
        opened = self._open_accounts(not_inserted)
        rows |= self._insert([movement for movement in not_inserted if movement.user_id in opened])
        for index in to_insert:
            movement = movements[index]
            row = rows.pop(movement.key, None)
            outcomes[index] = _entry(movement, row) if row else self._reason(movement)
        return [outcomes[index] for index in range(len(movements))]

    def _insert(self, movements: Sequence[Movement]) -> dict[str, tuple[Any, ...]]:
        """Insert the allowed movements; returns their rows by key."""
        if not movements:
            return {}
        if self.dialect == "sqlite":
            return self._insert_one_by_one(movements)
        cursor = self.connection.execute(
            postgresql_insert(self.book), postgresql_arrays(movements), prepare=True
        )
        return {row[1]: row for row in cursor.fetchall()}

    def _insert_one_by_one(self, movements: Sequence[Movement]) -> dict[str, tuple[Any, ...]]:
        inserted: dict[str, tuple[Any, ...]] = {}
        cursor = self.connection.cursor()
        for movement in movements:
            phase = movement.phase
            person = movement.user_id is not None
            values = sqlite_values(movement)
            try:
                row = cursor.execute(
                    sqlite_insert(self.book, phase, person=person), values
                ).fetchone()
            except sqlite3.IntegrityError:
                # Usually funds are short; any other cause raises again.
                statement = sqlite_insert_if_possible(self.book, phase, person=person)
                row = cursor.execute(statement, values).fetchone()
            if row:
                inserted[movement.key] = row
        return inserted

    def _open_accounts(self, movements: Sequence[Movement]) -> set[int]:
        """Open the missing accounts of these people; returns their user ids."""
        people = sorted({movement.user_id for movement in movements if movement.user_id})
        if not people:
            return set()
        parameter: object
        if self.dialect == "sqlite":
            condition, parameter = "IN (SELECT value FROM json_each(?))", json.dumps(people)
        else:
            condition, parameter = "= ANY(%s)", people
        opened = self.connection.execute(
            f"INSERT INTO {table(self.book.accounts)} (user_id) SELECT id FROM users"
            f" WHERE id {condition} ORDER BY id ON CONFLICT DO NOTHING RETURNING user_id",
            (parameter,),
        )
        return {row[0] for row in opened.fetchall()}

    def _reason(self, movement: Movement) -> Outcome:
        """Why a movement inserted no row: its earlier entry, or the error that refused it."""
        earlier = self._earlier_entry(movement)
        if earlier is not None:
            return earlier
        if movement.phase in (Phase.POST, Phase.VOID):
            return HoldNotOpen(f"Hold {movement.hold_id} cannot be resolved: it is not open.")
        free = self._fetch_one(
            f"SELECT balance - held FROM {table(self.book.accounts)} WHERE user_id = {{}}",
            movement.user_id,
        )
        if free is None:
            return AccountNotFound(f"User {movement.user_id} not found")
        return InsufficientFunds(
            required=abs(movement.amount), available=int(free[0]), unit=self.book.unit
        )

    def _earlier_entry(self, movement: Movement) -> Outcome | None:
        """The earlier entry of this key, if any; KeyReused if its input was different."""
        row = self._fetch_one(
            "SELECT id, idempotency_key, balance_before, balance_after, created_at, user_id,"
            " system_account, counter_account, amount, transaction_type, category, phase, hold_id,"
            f" reference_type, reference_id FROM {table(self.book.journal)}"
            " WHERE idempotency_key = {}",
            movement.key,
        )
        if row is None:
            return None
        expected = (
            movement.user_id,
            movement.system_account,
            movement.counter_account,
            movement.amount,
            movement.transaction_type,
            movement.category,
            movement.phase.value,
            movement.hold_id,
            movement.reference_type,
            movement.reference_id,
        )
        if tuple(row[5:]) != expected:
            return KeyReused(f"The key {movement.key!r} was used for another movement.")
        return _entry(movement, row, created_at=_utc_moment(row[4]), replayed=True)

    def _fetch_one(self, statement: str, value: object) -> tuple[Any, ...] | None:
        placeholder = "?" if self.dialect == "sqlite" else "%s"
        row: tuple[Any, ...] | None = self.connection.execute(
            statement.format(placeholder), (value,)
        ).fetchone()
        return row


def _utc_moment(stored: object) -> datetime:
    if isinstance(stored, datetime):
        return stored.astimezone(UTC)
    return datetime.fromisoformat(str(stored)).replace(tzinfo=UTC)


def _entry(
    movement: Movement,
    row: tuple[Any, ...],
    *,
    created_at: datetime | None = None,
    replayed: bool = False,
) -> Entry:
    return Entry(
        id=row[0],
        user_id=movement.user_id,
        amount=movement.amount,
        transaction_type=movement.transaction_type,
        category=movement.category,
        balance_before=row[2],
        balance_after=row[3],
        created_at=created_at or movement.created_at,
        replayed=replayed,
    )
