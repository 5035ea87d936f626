"""Audit a book: check every hash, running balance and account from its rows alone."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter

from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.ledger.auditing.findings import Finding, Findings
from imatch.ledger.auditing.rows import RowAudit
from imatch.ledger.auditing.schema import check_schema
from imatch.ledger.auditing.seals import Chain, rehash
from imatch.ledger.books import BOOKS, Book, BookName
from imatch.ledger.models import LedgerAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of an audit. `finding_count` also counts the findings that were not kept."""

    book: str
    findings: list[Finding]
    finding_count: int
    row_count: int
    account_count: int
    seal_count: int
    sealed_to: int
    head: str
    seconds: float


def audit(
    db: Session,
    book: Book,
    *,
    published: str | None = None,
    progress: Callable[[int], None] = lambda _rows: None,
    in_two_processes: bool = False,
) -> Audit:
    """Audit all committed rows, in one snapshot, on a separate connection.

    `published` is a seal's hash recorded outside the database: the chain must contain it.
    `progress` is called with the number of rows of each finished page. `in_two_processes` checks
    the seals in a second process at the same time.
    """
    started = perf_counter()
    engine = db.get_bind().engine
    with _snapshot(engine) as snapshot:
        rows = RowAudit(snapshot, book, progress)
        if in_two_processes:
            address = engine.url.render_as_string(hide_password=False)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                seals = pool.submit(_rehash_in_process, address, book.name, published)
                _run(rows)
                chain = seals.result()
        else:
            chain = rehash(snapshot, book, published=published)
            _run(rows)
        findings = Findings(book.name)
        with findings.reading("the tables' definitions"):
            check_schema(snapshot, book, findings)
    findings.join(chain.findings)
    findings.join(rows.findings)
    return Audit(
        book=book.name,
        findings=findings.kept,
        finding_count=findings.count,
        row_count=rows.row_count,
        account_count=rows.account_count,
        seal_count=chain.seal_count,
        sealed_to=chain.to_id,
        head=chain.hash,
        seconds=round(perf_counter() - started, 3),
    )


def store(db: Session, result: Audit) -> None:
    """Store an audit's result for the health page."""
    first_finding = str(result.findings[0])[:300] if result.findings else ""
    with atomic(db):
        # Deleted without reading it: the stored row may be unreadable.
        db.execute(delete(LedgerAudit).where(LedgerAudit.book == result.book))
        db.add(
            LedgerAudit(
                book=result.book,
                row_count=result.row_count,
                finding_count=result.finding_count,
                first_finding=first_finding,
                ended_at=now(),
            )
        )


def _run(rows: RowAudit) -> None:
    with rows.findings.reading("rows and accounts"):
        rows.run()


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Session]:
    """A session with one snapshot of the database, unaffected by concurrent writes."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with (
        engine.connect().execution_options(**options) as connection,
        Session(connection) as session,
    ):
        yield session


def _rehash_in_process(address: str, book_name: BookName, published: str | None) -> Chain:
    engine = database.make_engine(address)
    try:
        with _snapshot(engine) as snapshot:
            return rehash(snapshot, BOOKS[book_name], published=published)
    finally:
        engine.dispose()
