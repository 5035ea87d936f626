"""Jobs of the ledger: seal posted rows, release expired holds, audit the books at night."""

from contextlib import suppress
from functools import partial

from sqlalchemy.orm import Session

from imatch.core.database import SessionLocal
from imatch.core.logs import log
from imatch.jobs import job
from imatch.jobs.run_each import ItemsFailed, run_each
from imatch.ledger.auditing.audit import audit, store
from imatch.ledger.books import BOOKS, Book
from imatch.ledger.errors import HoldNotOpen
from imatch.ledger.queries import expired_holds
from imatch.ledger.sealing.seals import seal, seal_is_due
from imatch.ledger.service import release

_BATCH_SIZE = 1_000


@job("seal_ledger", cron="* * * * *")
def seal_ledger() -> None:
    """Seal each book that has enough unsealed rows, or an old one."""
    with SessionLocal() as db:
        for book in BOOKS.values():
            while seal_is_due(db, book) and seal(db, book):
                pass


@job("expire_holds", cron="*/5 * * * *")
def expire_holds() -> None:
    """Release expired holds. No fact is announced: the release is in the journal.

    A failing hold does not stop the others, in either book. Raises SomeFailed at the end.
    """
    failures = []
    with SessionLocal() as db:
        for book in BOOKS.values():
            expired = expired_holds(db, book, limit=_BATCH_SIZE)
            try:
                run_each(db, f"{book.name}_hold", expired, partial(_release_expired, db, book))
            except ItemsFailed as failure:
                failures.append(failure)
    if failures:
        raise failures[0]


def _release_expired(db: Session, book: Book, hold_id: int) -> None:
    with suppress(HoldNotOpen):  # it was resolved after it was listed
        release(db, book, hold_id, key=f"expire:{hold_id}")


@job("audit_ledger", cron="43 2 * * *")
def audit_ledger() -> None:
    """Audit both books, and store the results for the health page."""
    with SessionLocal() as db:
        for book in BOOKS.values():
            result = audit(db, book)
            write_log = log().error if result.findings else log().info
            write_log(
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
            store(db, result)  # after the log, so that the log has the result even if this fails
