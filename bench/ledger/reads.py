"""Batch writes, and reads from a journal of any length."""

import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy.orm import Session

from bench.ledger.load import Times, times
from imatch import POTService, SessionLocal
from imatch.core.database import fresh_read
from imatch.ledger import POT, Movement, SystemAccount, TransactionType, post_many, queries
from imatch.ledger.auditing.audit import audit
from imatch.ledger.sealing.seals import seal
from imatch.pot.economy import figures

BATCH_SIZE = 1_000
# A tenth of all entries belong to this person, so that their history has many pages.
BUSY_PERSON = 1
_PAGE = 50
_SEAL_ROWS = 10_000


def fsyncs_per_second(folder: str | None, seconds: float = 1.0) -> float:
    """Synchronous page writes per second: the lower bound of the cost of a commit."""
    waits = []
    end = time.perf_counter() + seconds
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        os.truncate(file.fileno(), 4096 * 256)
        while (started := time.perf_counter()) < end:
            os.pwrite(file.fileno(), os.urandom(4096), 4096 * random.randrange(256))
            os.fdatasync(file.fileno())
            waits.append(time.perf_counter() - started)
    return 1 / median(waits)


def measure_batches(people: int, rows: int) -> Times:
    """`post_many` by one caller, BATCH_SIZE movements a call. The rate counts movements."""
    rng = random.Random(rows)
    waits = []
    with SessionLocal() as db:
        for _ in range(max(1, rows // BATCH_SIZE)):
            batch = [_movement(rng, people) for _ in range(BATCH_SIZE)]
            started = time.perf_counter()
            outcomes = post_many(db, POT, batch)
            waits.append(time.perf_counter() - started)
            if len(outcomes) != BATCH_SIZE or any(
                isinstance(outcome, Exception) for outcome in outcomes
            ):
                raise RuntimeError("a movement of a batch was refused")
    measured = times(waits, sum(waits))
    return Times(measured.rate * BATCH_SIZE, measured.p50, measured.p99, measured.longest)


def _movement(rng: random.Random, people: int) -> Movement:
    is_busy_person = rng.random() < 0.1
    earns = rng.random() < 0.6
    return Movement(
        key=f"batch:{time.time_ns() // 1000:x}-{rng.getrandbits(64):016x}",
        user_id=BUSY_PERSON if is_busy_person else rng.randint(1, people),
        amount=10 if earns else -10,
        counter_account=SystemAccount.TREASURY if earns else SystemAccount.BURNED,
        transaction_type=TransactionType.EARN if earns else TransactionType.SPEND,
        category="portfolio_item" if earns else "report_export",
        description="One of many",
    )


def seal_all() -> float:
    """Seal the whole journal. Returns seconds."""
    started = time.perf_counter()
    with SessionLocal() as db:
        while seal(db, POT, max_rows=_SEAL_ROWS):
            pass
    return time.perf_counter() - started


def measure_reads(people: int, repeat: int) -> dict[str, Times]:
    """The times of each kind of read, repeated `repeat` times."""
    rng = random.Random(people)
    with SessionLocal() as db:
        pot = POTService(db)
        first = _page(db, None)
        last_page = _last_page_cursor(db)
        reads: dict[str, Callable[[], object]] = {
            "balance of a random person": lambda: pot.get_user_balance(rng.randint(1, people)),
            "history, first page of 50": lambda: _page(db, None),
            "history, last page of 50": lambda: _page(db, last_page),
            "economy statistics": lambda: _statistics(db),
        }
        if len(first) != _PAGE or len(_page(db, last_page)) != _PAGE:
            raise RuntimeError("the busy person's history has no two pages: ask for more --rows")
        return {name: _measure(read, repeat) for name, read in reads.items()}


def _page(db: Session, after_id: int | None) -> list[int]:
    with fresh_read(db):
        db.expunge_all()
        rows = queries.statement(db, POT, BUSY_PERSON, after_id=after_id, limit=_PAGE).items
        return [row.id for row in rows]


def _last_page_cursor(db: Session) -> int:
    """The cursor of the last full page."""
    journal = POT.journal
    with fresh_read(db):
        last_page = (
            db.query(journal.id)
            .filter(journal.user_id == BUSY_PERSON)
            .order_by(journal.id)
            .offset(_PAGE)
            .limit(1)
        )
        return int(last_page.scalar())


def _statistics(db: Session) -> object:
    with fresh_read(db):
        return figures.stats(db)


def _measure(read: Callable[[], object], repeat: int) -> Times:
    waits = []
    for _ in range(repeat):
        started = time.perf_counter()
        read()
        waits.append(time.perf_counter() - started)
    return times(waits, sum(waits))


def measure_audit() -> tuple[int, float]:
    """Audit the journal. Returns the number of rows and seconds."""
    with SessionLocal() as db:
        result = audit(db, POT, in_two_processes=(os.cpu_count() or 1) > 1)
    if result.finding_count:
        raise RuntimeError(f"the audit found {result.findings[0]}")
    return result.row_count, result.seconds


def size_mib(url: str) -> float:
    """The size of a SQLite file; 0 for a server."""
    path = Path(url.removeprefix("sqlite:///"))
    return path.stat().st_size / 2**20 if path.is_file() else 0
