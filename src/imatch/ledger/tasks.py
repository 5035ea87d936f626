"""Jobs of the ledger: seal what was posted, give back what expired, prove the books at night."""

from imatch.core.database import SessionLocal
from imatch.core.logs import log
from imatch.jobs import job
from imatch.ledger.audit import audit, note
from imatch.ledger.books import BOOKS
from imatch.ledger.errors import HoldNotOpen
from imatch.ledger.queries import expired_holds
from imatch.ledger.seals import seal, seal_is_due
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
    """Give back what is held past its time. Nothing is announced: the hold itself tells."""
    with SessionLocal() as db:
        for book in BOOKS.values():
            for hold_id in expired_holds(db, book, limit=_HOLDS_AT_ONCE):
                try:
                    release(db, book, hold_id, key=f"expire:{hold_id}")
                except HoldNotOpen:
                    continue  # somebody released it since it was listed


@job("audit_ledger", cron="43 2 * * *")
def audit_ledger() -> None:
    """Prove both books, and keep what was found for the health page."""
    with SessionLocal() as db:
        for book in BOOKS.values():
            result = audit(db, book)
            note(db, result)
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
