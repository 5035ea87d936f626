"""Read seals for an audit. Invalid values become findings and do not stop the audit."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from imatch.ledger.auditing.findings import Findings
from imatch.ledger.books import Book
from imatch.ledger.models import LedgerSeal

_BATCH_SIZE = 20
# Placeholders for unusable values, so that the rest of their seal is still compared.
_NEUTRAL: dict[str, Any] = {
    "from_id": 0,
    "row_count": 0,
    "system_balances": {},
    "previous_hash": "",
    "hash": "",
    "row_digests": b"",
    "created_at": datetime(1, 1, 1, tzinfo=UTC),
}
_COLUMNS = tuple(_NEUTRAL)
_UNREADABLE = (TypeError, ValueError, SQLAlchemyError)


def read_seals(db: Session, book: Book, findings: Findings) -> Iterator[LedgerSeal]:
    """All seals in order. A value of the wrong type is a finding."""
    to_id: Any = -1
    while True:
        page = _query(book, "to_id", *_COLUMNS).where(LedgerSeal.to_id > to_id)
        page = page.order_by(LedgerSeal.to_id).limit(_BATCH_SIZE)
        seals = _page(db, book, page, findings)
        for to_id, *values in seals:
            if isinstance(to_id, int):
                yield _seal(book, to_id, values, findings)
            else:
                findings.add("the id that a seal ends at", expected="a number", found=repr(to_id))
        if not seals:
            return


def _query(book: Book, *columns: str) -> Select[Any]:
    selected = (getattr(LedgerSeal, name) for name in columns)
    return select(*selected).where(LedgerSeal.book == book.name)


def _page(
    db: Session, book: Book, page: Select[Any], findings: Findings
) -> Sequence[Sequence[Any]]:
    try:
        return db.execute(page).all()
    except _UNREADABLE:
        ids = db.scalars(page.with_only_columns(LedgerSeal.to_id)).all()
        return [(to_id, *_value_by_value(db, book, to_id, findings)) for to_id in ids]


def _value_by_value(db: Session, book: Book, to_id: object, findings: Findings) -> list[Any]:
    values = []
    for name in _COLUMNS:
        try:
            values.append(db.scalar(_query(book, name).where(LedgerSeal.to_id == to_id)))
        except _UNREADABLE as error:
            _add(findings, to_id, name, f"could not be read: {error}")
            values.append(_NEUTRAL[name])
    return values


def _seal(book: Book, to_id: int, values: Sequence[Any], findings: Findings) -> LedgerSeal:
    usable = {}
    for (name, neutral), value in zip(_NEUTRAL.items(), values, strict=True):
        usable[name] = value
        if not isinstance(value, type(neutral)):
            usable[name] = neutral
            _add(findings, to_id, name, repr(value)[:80])
    return LedgerSeal(book=book.name, to_id=to_id, **usable)


def _add(findings: Findings, to_id: object, name: str, found: str) -> None:
    findings.add(
        f"the {name} of the seal that ends at row {to_id}",
        expected=f"a value of the kind {type(_NEUTRAL[name]).__name__}",
        found=found,
    )
