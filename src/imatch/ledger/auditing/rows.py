"""Add up all rows of a journal and compare the sums with accounts and running balances."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from imatch.core.ids import MAX_BIGINT
from imatch.ledger.auditing.findings import MAX_FINDINGS_KEPT, Findings
from imatch.ledger.books import Book, SystemAccount
from imatch.ledger.models import Phase, TransactionType
from imatch.ledger.queries import system_balances
from imatch.ledger.sealing.rows import JournalReader

_LOWEST_ID = -MAX_BIGINT - 1
# Indexes into an account's figures: lists, because they are faster, for millions of rows.
_FREE, _HELD, _BALANCE, _VERSION, _EARNED, _SPENT, _BURNED = range(7)
# Plain strings, as in the rows: comparing enum members takes longer.
_DIRECT, _HOLD, _VOID = Phase.DIRECT.value, Phase.HOLD.value, Phase.VOID.value
_EARN = TransactionType.EARN.value
_SPENDING_TYPES = (TransactionType.SPEND.value, TransactionType.BURN.value)
_BURNED_ACCOUNT = SystemAccount.BURNED.value
_COLUMN_FIGURES = {
    "balance": _BALANCE,
    "held": _HELD,
    "version": _VERSION,
    "earned": _EARNED,
    "spent": _SPENT,
    "burned": _BURNED,
}

_SELECTED = (
    "user_id, hold_id, balance_before, balance_after, held_after, amount, phase, transaction_type,"
    " counter_account"
)

PagedRow = tuple[Any, ...]


class RowAudit:
    """One pass over a book's rows by id. Memory use depends on accounts and open holds."""

    def __init__(self, db: Session, book: Book, progress: Callable[[int], None]) -> None:
        self.findings = Findings(book.name)
        self.row_count = 0
        self.account_count = 0
        self._db = db
        self._book = book
        self._progress = progress
        self._accounts: dict[int, list[int]] = {}
        self._open_holds: dict[int, tuple[int, int, str]] = {}  # user, amount, counter account

    def run(self) -> None:
        reader = JournalReader(self._book, self._db.connection())
        highest = self._db.scalar(select(func.max(self._book.journal.id))) or 0
        for rows in reader.pages(_SELECTED, _LOWEST_ID, highest):
            if rows[0][0] < 1:
                self.findings.add(
                    "the id", row_id=rows[0][0], expected="1 or more", found=rows[0][0]
                )
            for row in rows:
                if row[1] is not None:
                    self._check_row(row)
            self.row_count += len(rows)
            self._progress(len(rows))
        people = self._check_accounts()
        with self.findings.reading("the balances of system accounts"):
            self._check_system_accounts(people)

    def _check_system_accounts(self, people: int) -> None:
        balances = system_balances(self._db, self._book)
        for name in sorted(balances.keys() - self._book.system_accounts, key=str):
            self._find_rows_of(name)
        system = sum(balances.values())
        if people != -system:
            self.findings.add("what all people have", expected=-system, found=people)

    def _find_rows_of(self, unknown: str) -> None:
        row = self._book.journal
        moved = select(row.id, row.user_id).where(
            or_(row.counter_account == unknown, row.system_account == unknown)
        )
        for row_id, user_id in self._db.execute(moved.order_by(row.id).limit(MAX_FINDINGS_KEPT)):
            self.findings.add(
                "the other account",
                row_id=row_id,
                user_id=user_id,
                expected="one of the book's",
                found=unknown,
            )

    def _check_row(self, row: PagedRow) -> None:
        try:
            self._add_up(row)
        except TypeError:
            self.findings.add(
                "the row's numbers",
                row_id=row[0],
                user_id=row[1],
                expected="numbers",
                found=row[2:7],
            )

    def _add_up(self, row: PagedRow) -> None:
        _, user_id, _, before, after, held_after, amount, phase, kind, counter = row
        account = self._accounts.get(user_id)
        if account is None:
            account = self._accounts[user_id] = [0] * 7
        if phase == _DIRECT:
            change, held_change, moved = amount, 0, amount
        else:
            change, held_change, moved = self._hold_changes(row)
        if (
            account[_FREE] != before
            or after - before != change
            or account[_HELD] + held_change != held_after
        ):
            self._add_findings(row, account, change, held_change)
        account[_FREE] = after
        account[_HELD] = held_after
        account[_BALANCE] += moved
        account[_VERSION] += 1
        if kind == _EARN:
            account[_EARNED] += amount
        elif moved and kind in _SPENDING_TYPES:
            account[_SPENT] -= moved
        if counter == _BURNED_ACCOUNT:
            account[_BURNED] -= moved

    def _hold_changes(self, row: PagedRow) -> tuple[int, int, int]:
        """The changes (free, held, balance) by a hold, or by its post or void."""
        row_id, user_id, hold_id, _, _, _, amount, phase, _, counter = row
        if phase == _HOLD:
            held_change = -amount  # raises TypeError before a non-number is stored
            self._open_holds[row_id] = (user_id, amount, counter)
            return amount, held_change, 0
        hold_user_id, held, hold_counter = self._open_holds.pop(hold_id, (None, 0, ""))
        is_allowed = -amount == held if phase == _VOID else held <= amount < 0
        if (hold_user_id, hold_counter) != (user_id, counter) or not is_allowed:
            self.findings.add(
                "what the row resolves",
                row_id=row_id,
                user_id=user_id,
                expected="an open hold of this user that allows it",
                found=f"hold {hold_id}",
            )
        return (amount, held, 0) if phase == _VOID else (amount - held, held, amount)

    def _add_findings(
        self, row: PagedRow, account: list[int], change: int, held_change: int
    ) -> None:
        row_id, user_id, _, before, after, held_after, *_ = row
        expected_held = account[_HELD] + held_change
        for problem, expected, found in (
            ("the balance before", account[_FREE], before),
            ("the balance after", before + change, after),
            ("what is held after", expected_held, held_after),
        ):
            if expected != found:
                self.findings.add(
                    problem, row_id=row_id, user_id=user_id, expected=expected, found=found
                )

    def _check_accounts(self) -> int:
        """Compare every account with its rows; returns the sum of all people's balances."""
        kind: Any = self._book.accounts
        held: Counter[int] = Counter()
        for user_id, amount, _ in self._open_holds.values():
            held[user_id] -= amount
        names = [name for name in _COLUMN_FIGURES if hasattr(kind, name)]
        stored = select(kind.user_id, *(getattr(kind, name) for name in names))
        people = 0
        for user_id, *values in self._db.execute(stored.execution_options(yield_per=5_000)):
            self.account_count += 1
            if isinstance(values[0], int):  # anything else is a finding below
                people += values[0]
            expected = self._accounts.pop(user_id, [0] * 7)
            expected[_HELD] = held[user_id]
            for name, found in zip(names, values, strict=True):
                if found != expected[_COLUMN_FIGURES[name]]:
                    self.findings.add(
                        f"the account's {name}",
                        user_id=user_id,
                        expected=expected[_COLUMN_FIGURES[name]],
                        found=found,
                    )
        for user_id, expected in self._accounts.items():
            self.findings.add(
                "the account", user_id=user_id, expected=f"balance {expected[_BALANCE]}", found=None
            )
        return people
