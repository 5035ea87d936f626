"""Add up every row of a journal again and compare with accounts, running balances and sums."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.ledger.books import Book
from imatch.ledger.findings import Findings
from imatch.ledger.models import LedgerDaySum, LedgerHourSum, LedgerSeal
from imatch.ledger.queries import head
from imatch.ledger.rows import JournalReader
from imatch.ledger.seals import Tally

_LOWEST_ID = -(2**63)
# Places in what is known of an account. Lists, because this is done for millions of rows.
_FREE, _HELD, _BALANCE, _VERSION, _EARNED, _SPENT, _BURNED = range(7)
_STORED = {
    "balance": _BALANCE,
    "held": _HELD,
    "version": _VERSION,
    "earned": _EARNED,
    "spent": _SPENT,
    "burned": _BURNED,
}

Row = tuple[Any, ...]


class RowAudit:
    """One pass over a book's rows by id. Memory grows with accounts and open holds, not rows."""

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
        last = head(self._db, self._book)
        sealed, tail = Tally(), Tally()
        highest = self._db.scalar(select(func.max(self._book.journal.id))) or 0
        sealed_to = last.to_id if last else 0
        self._scan(_LOWEST_ID, sealed_to, sealed)
        self._check_sums(sealed)
        self._check_seals(last, sealed)
        self._scan(sealed_to, highest, tail)
        people = self._check_accounts()
        system = sum(sealed.flows().values()) + sum(tail.flows().values())
        if people != -system:
            self.findings.add("what all people have", expected=-system, found=people)

    def _scan(self, after_id: int, to_id: int, tally: Tally) -> None:
        reader = JournalReader(self._book, self._db.connection())
        selected = "user_id, hold_id, balance_before, balance_after, held_after, " + Tally.selected(
            reader
        )
        row_counts, amounts = tally.row_counts, tally.amounts
        for rows in reader.pages(selected, after_id, to_id):
            for row in rows:
                kind: Any = row[7:]
                try:
                    row_counts[kind] += 1
                    amounts[kind] += row[6]
                    if row[1] is not None:
                        self._person(row)
                except TypeError:
                    self.findings.add(
                        "the row's numbers", row_id=row[0], expected="numbers", found=row[1:7]
                    )
            if rows[0][0] < 1:
                self.findings.add(
                    "the id", row_id=rows[0][0], expected="1 or more", found=rows[0][0]
                )
            self.row_count += len(rows)
            self._progress(len(rows))

    def _person(self, row: Row) -> None:
        _, user_id, _, before, after, held_after, amount, phase, kind, _, _, counter, _ = row
        account = self._accounts.get(user_id)
        if account is None:
            account = self._accounts[user_id] = [0] * 7
        if phase == "direct":
            change, held_change, moved = amount, 0, amount
        else:
            change, held_change, moved = self._two_phase(row)
        if (
            account[_FREE] != before
            or after - before != change
            or account[_HELD] + held_change != held_after
        ):
            self._wrong(row, account, change, held_change)
        account[_FREE] = after
        account[_HELD] = held_after
        account[_BALANCE] += moved
        account[_VERSION] += 1
        if kind == "earn":
            account[_EARNED] += amount
        elif moved and kind in ("spend", "burn"):
            account[_SPENT] -= moved
        if counter == "burned":
            account[_BURNED] -= moved

    def _two_phase(self, row: Row) -> tuple[int, int, int]:
        """What a hold, its post or its void changes: what is free, held, and the balance."""
        row_id, user_id, hold_id, _, _, _, amount, phase, _, _, _, counter, _ = row
        if phase == "hold":
            self._open_holds[row_id] = (user_id, amount, counter)
            return amount, -amount, 0
        holder, held, promised_to = self._open_holds.pop(hold_id, (None, 0, ""))
        fits = -amount == held if phase == "void" else held <= amount < 0
        if (holder, promised_to) != (user_id, counter) or not fits:
            self.findings.add(
                "what the row resolves",
                row_id=row_id,
                user_id=user_id,
                expected="an open hold of this user that allows it",
                found=f"hold {hold_id}",
            )
        return (amount, held, 0) if phase == "void" else (amount - held, held, amount)

    def _wrong(self, row: Row, account: list[int], change: int, held_change: int) -> None:
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
        """Compare every account with its rows; what all people have together."""
        kind: Any = self._book.accounts
        held: Counter[int] = Counter()
        for user_id, amount, _ in self._open_holds.values():
            held[user_id] -= amount
        names = [name for name in _STORED if hasattr(kind, name)]
        stored = select(kind.user_id, *(getattr(kind, name) for name in names))
        people = 0
        for user_id, *values in self._db.execute(stored.execution_options(yield_per=5_000)):
            self.account_count += 1
            people += values[0]
            expected = self._accounts.pop(user_id, [0] * 7)
            expected[_HELD] = held[user_id]
            for name, found in zip(names, values, strict=True):
                if found != expected[_STORED[name]]:
                    self.findings.add(
                        f"the account's {name}",
                        user_id=user_id,
                        expected=expected[_STORED[name]],
                        found=found,
                    )
        for user_id, expected in self._accounts.items():
            self.findings.add(
                "the account", user_id=user_id, expected=f"balance {expected[_BALANCE]}", found=None
            )
        return people

    def _check_sums(self, sealed: Tally) -> None:
        hours = {kind: (count, sealed.amounts[kind]) for kind, count in sealed.row_counts.items()}
        days: dict[Row, tuple[int, int]] = {}
        for (*labels, hour), (count, amount) in hours.items():
            kind = (*labels, hour[:10])
            known = days.get(kind, (0, 0))
            days[kind] = (known[0] + count, known[1] + amount)
        self._compare_sums("hour", dict(hours), self._stored_sums(LedgerHourSum))
        self._compare_sums("day", days, self._stored_sums(LedgerDaySum))

    def _stored_sums(
        self, kind: type[LedgerHourSum] | type[LedgerDaySum]
    ) -> dict[Row, tuple[int, int]]:
        columns: list[Any] = [
            kind.phase,
            kind.transaction_type,
            kind.category,
            kind.system_account,
            kind.counter_account,
            kind.row_count,
            kind.amount,
            kind.day,
        ]
        if kind is LedgerHourSum:
            columns.append(LedgerHourSum.hour)
        stored = {}
        query = select(*columns).where(kind.book == self._book.name)
        for *labels, row_count, amount, day, hour in (
            (*row, None) if kind is LedgerDaySum else tuple(row) for row in self._db.execute(query)
        ):
            moment = day.isoformat() if hour is None else f"{day.isoformat()} {hour:02}"
            stored[*labels, moment] = (row_count, amount)
        return stored

    def _compare_sums(
        self, span: str, expected: dict[Any, tuple[int, int]], found: dict[Row, tuple[int, int]]
    ) -> None:
        for kind in sorted(expected.keys() | found.keys(), key=str):
            if expected.get(kind) != found.get(kind):
                labels = ", ".join(str(label) for label in kind[:-1] if label)
                self.findings.add(
                    f"the sealed sum of the {span} {kind[-1]}, {labels}",
                    expected=_said(expected.get(kind)),
                    found=_said(found.get(kind)),
                )

    def _check_seals(self, last: LedgerSeal | None, sealed: Tally) -> None:
        """The sums count rows that no seal covers when somebody took away the last seals."""
        counted = self._db.scalar(
            select(func.sum(LedgerDaySum.row_count)).where(LedgerDaySum.book == self._book.name)
        )
        covered = self._db.scalar(
            select(func.sum(LedgerSeal.row_count)).where(LedgerSeal.book == self._book.name)
        )
        if (counted or 0) != (covered or 0):
            self.findings.add(
                "rows under seal, after which seals may be missing",
                row_id=last.to_id if last else None,
                expected=counted or 0,
                found=covered or 0,
            )
        if last is None:
            return
        balances = dict.fromkeys(self._book.system_accounts, 0) | sealed.flows()
        for name in sorted(balances.keys() | last.system_balances.keys()):
            expected, found = balances.get(name), last.system_balances.get(name)
            if expected != found:
                self.findings.add(
                    f"the last seal's balance of {name}", expected=expected, found=found
                )


def _said(figures: tuple[int, int] | None) -> str:
    return f"{figures[0]} rows, {figures[1]}" if figures else "none"
