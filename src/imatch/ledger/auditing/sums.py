"""Compare sealed sums and system balances with the sums of the sealed rows."""

from typing import Any

from sqlalchemy import func, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from imatch.ledger.auditing.findings import Findings
from imatch.ledger.books import Book
from imatch.ledger.models import LedgerDaySum, LedgerHourSum
from imatch.ledger.sealing.seals import MovementTally

Totals = dict[tuple[Any, ...], tuple[int, int]]


def check_sums(db: Session, book: Book, tally: MovementTally, findings: Findings) -> None:
    hours: Totals = {kind: (count, amount) for kind, (count, amount) in tally.totals.items()}
    days: Totals = {}
    for (*labels, hour), (count, amount) in hours.items():
        kind = (*labels, hour[:10])
        day_sum = days.get(kind, (0, 0))
        days[kind] = (day_sum[0] + count, day_sum[1] + amount)
    _compare("hour", hours, _stored(db, book, LedgerHourSum), findings)
    _compare("day", days, _stored(db, book, LedgerDaySum), findings)


def check_row_count(
    db: Session, book: Book, covered_rows: int, covered_to_id: int, findings: Findings
) -> None:
    """Compare the sealed sums' row count with the seals: it is higher if seals were deleted."""
    counted = db.scalar(
        select(func.sum(LedgerDaySum.row_count)).where(LedgerDaySum.book == book.name)
    )
    if (counted or 0) != covered_rows:
        findings.add(
            "rows under seal, after which seals may be missing",
            row_id=covered_to_id or None,
            expected=counted or 0,
            found=covered_rows,
        )


def check_balances(
    book: Book, tally: MovementTally, sealed: dict[str, Any], findings: Findings
) -> None:
    """Compare the balances of the last seal with the sums of all sealed rows."""
    balances = dict.fromkeys(book.system_accounts, 0) | tally.flows()
    for name in sorted(balances.keys() | sealed.keys(), key=str):
        expected, found = balances.get(name), sealed.get(name)
        if expected != found:
            findings.add(f"the last seal's balance of {name}", expected=expected, found=found)


def _stored(db: Session, book: Book, kind: type[LedgerHourSum] | type[LedgerDaySum]) -> Totals:
    by_hour = kind is LedgerHourSum
    query = select(
        kind.phase,
        kind.transaction_type,
        kind.category,
        kind.system_account,
        kind.counter_account,
        kind.row_count,
        kind.amount,
        type_coerce(kind.day, NullType()),  # unconverted: SQLite may store an invalid date
        *([LedgerHourSum.hour] if by_hour else []),
    ).where(kind.book == book.name)
    stored: Totals = {}
    for *labels, row_count, amount, day, hour in (
        row if by_hour else (*row, None) for row in db.execute(query)
    ):
        moment = str(day) if hour is None else f"{day} {str(hour).zfill(2)}"
        stored[*labels, moment] = (row_count, amount)
    return stored


def _compare(span: str, expected: Totals, found: Totals, findings: Findings) -> None:
    for kind in sorted(expected.keys() | found.keys(), key=str):
        if expected.get(kind) != found.get(kind):
            labels = ", ".join(str(label) for label in kind[:-1] if label)
            findings.add(
                f"the sealed sum of the {span} {kind[-1]}, {labels}",
                expected=_described(expected.get(kind)),
                found=_described(found.get(kind)),
            )


def _described(figures: tuple[int, int] | None) -> str:
    return f"{figures[0]} rows, {figures[1]}" if figures else "none"
