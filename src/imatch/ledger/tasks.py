"""Jobs of the ledger: seal what was posted, give back what expired, prove the books at night."""

from contextlib import suppress
from functools import partial

from sqlalchemy.orm import Session

from imatch.core.database import SessionLocal
from imatch.core.logs import log
from imatch.jobs import job
from imatch.jobs.run_each import ItemsFailed, run_each
from imatch.ledger.auditing.audit import audit, note
from imatch.ledger.books import BOOKS, Book
from imatch.ledger.errors import HoldNotOpen
from imatch.ledger.queries import expired_holds
from imatch.ledger.sealing.seals import seal, seal_is_due
from imatch.ledger.service import release

_HOLDS_AT_ONCE = 1_000


@job("seal_ledger", cron="* * * * *")
def seal_ledger() -> None:
    """Seal both books where enough was posted, or long enough ago."""
    with SessionLocal() as db:
        for book in BOOKS.values():
            while seal_is_due(db, book) and seal(db, book):
                pass


@job("expire_holds", cron="*/5 * * * *")
def expire_holds() -> None:
    """Give back what is held past its time. Nothing is announced: the hold itself tells.

    A hold that fails stops no other, in neither book; raises SomeFailed at the end.
    """
    failures = []
    with SessionLocal() as db:
        for book in BOOKS.values():
            expired = expired_holds(db, book, limit=_HOLDS_AT_ONCE)
            try:
                run_each(db, f"{book.name}_hold", expired, partial(_give_back, db, book))
            except ItemsFailed as failure:
                failures.append(failure)
    if failures:
        raise failures[0]


def _give_back(db: Session, book: Book, hold_id: int) -> None:
    with suppress(HoldNotOpen):  # somebody released it since it was listed
        release(db, book, hold_id, key=f"expire:{hold_id}")


@job("audit_ledger", cron="43 2 * * *")
def audit_ledger() -> None:
    """Prove both books, and keep what was found for the health page."""
    with SessionLocal() as db:
        for book in BOOKS.values():
            result = audit(db, book)
            say = log().error if result.findings else log().info
            say(
                "ledger_audited",
                book=book.name,
                findings=result.finding_count,
                rows=result.row_count,
                seconds=result.seconds,
                sealed_to=result.sealed_to,
                hash=result.head,
            )
            for finding in result.findings[:20]:
                log().error("ledger_drift", book=book.name, finding=str(finding))
            note(db, result)  # after the log, which has it in any case
