"""Read the books: what people have, what system accounts add up to, statements."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.paging import Page, page_of
from imatch.ledger.books import Book
from imatch.ledger.models import Account, JournalRow


def account(db: Session, book: Book, user_id: int) -> Account | None:
    """What a person has, fresh from the database; None before their first entry."""
    return db.get(book.accounts, user_id, populate_existing=True)


def free(db: Session, book: Book, user_id: int) -> int:
    found = account(db, book, user_id)
    return found.balance - found.held if found else 0


def system_balances(db: Session, book: Book) -> dict[str, int]:
    """What flowed into each system account, less what flowed out. Holds have not flowed."""
    journal = book.journal
    moved = journal.phase.in_(("direct", "post"))
    totals = dict.fromkeys(book.system_accounts, 0)
    flows = (
        select(journal.counter_account, -func.sum(journal.amount))
        .where(moved)
        .group_by(journal.counter_account),
        select(journal.system_account, func.sum(journal.amount))
        .where(moved, journal.system_account.is_not(None))
        .group_by(journal.system_account),
    )
    for flow in flows:
        for name, amount in db.execute(flow):
            totals[str(name)] += int(amount)
    return totals


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
    transaction_types: Sequence[str] = (),
) -> Page[JournalRow]:
    """A person's entries, newest first. `after_id` is the last id of the page before."""
    journal = book.journal
    query = select(journal).where(journal.user_id == user_id)
    if after_id is not None:
        query = query.where(journal.id < after_id)
    if transaction_types:
        query = query.where(journal.transaction_type.in_(transaction_types))
    rows = db.scalars(query.order_by(journal.id.desc()).limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: row.id)
