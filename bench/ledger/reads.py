"""Batches in, and what is read out of a journal of any length."""

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

BATCH = 1_000
# Every tenth entry is of one person, whose history has many pages.
BUSY_PERSON = 1
_PAGE = 50
_SEAL_ROWS = 10_000


def fsyncs_a_second(folder: str | None, seconds: float = 1.0) -> float:
    """How often the disk takes a page for good: what one commit costs at least."""
    waits = []
    end = time.perf_counter() + seconds
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        os.truncate(file.fileno(), 4096 * 256)
        while (asked := time.perf_counter()) < end:
            os.pwrite(file.fileno(), os.urandom(4096), 4096 * random.randrange(256))
            os.fdatasync(file.fileno())
            waits.append(time.perf_counter() - asked)
    return 1 / median(waits)


def batches(people: int, rows: int) -> Times:
    """`post_many` by one caller, 1,000 movements a call; the rate is of movements."""
    chance = random.Random(rows)
    waits = []
    with SessionLocal() as db:
        for _ in range(max(1, rows // BATCH)):
            batch = [_movement(chance, people) for _ in range(BATCH)]
            asked = time.perf_counter()
            outcomes = post_many(db, POT, batch)
            waits.append(time.perf_counter() - asked)
            if len(outcomes) != BATCH or any(isinstance(one, Exception) for one in outcomes):
                raise RuntimeError("a movement of a batch was refused")
    seen = times(waits, sum(waits))
    return Times(seen.rate * BATCH, seen.p50, seen.p99, seen.longest)


def _movement(chance: random.Random, people: int) -> Movement:
    busy = chance.random() < 0.1
    earns = chance.random() < 0.6
    return Movement(
        key=f"batch:{time.time_ns() // 1000:x}-{chance.getrandbits(64):016x}",
        user_id=BUSY_PERSON if busy else chance.randint(1, people),
        amount=10 if earns else -10,
        counter_account=SystemAccount.TREASURY if earns else "burned",
        transaction_type=TransactionType.EARN if earns else "spend",
        category="portfolio_item" if earns else "report_export",
        description="One of many",
    )


def seal_all() -> float:
    """Seal the whole journal, as the job does little by little; in seconds."""
    asked = time.perf_counter()
    with SessionLocal() as db:
        while seal(db, POT, most_rows=_SEAL_ROWS):
            pass
    return time.perf_counter() - asked


def reading(people: int, repeat: int) -> dict[str, Times]:
    """Each way to read, over and over."""
    chance = random.Random(people)
    with SessionLocal() as db:
        pot = POTService(db)
        first = _page(db, None)
        oldest = _oldest_but_a_page(db)
        ways: dict[str, Callable[[], object]] = {
            "balance of a random person": lambda: pot.get_user_balance(chance.randint(1, people)),
            "history, first page of 50": lambda: _page(db, None),
            "history, last page of 50": lambda: _page(db, oldest),
            "economy statistics": lambda: _statistics(db),
        }
        if len(first) != _PAGE or len(_page(db, oldest)) != _PAGE:
            raise RuntimeError("the busy person's history has no two pages: ask for more --rows")
        return {name: _repeated(way, repeat) for name, way in ways.items()}


def _page(db: Session, after_id: int | None) -> list[int]:
    with fresh_read(db):
        db.expunge_all()
        rows = queries.statement(db, POT, BUSY_PERSON, after_id=after_id, limit=_PAGE).items
        return [row.id for row in rows]


def _oldest_but_a_page(db: Session) -> int:
    """The cursor that leads to the last whole page."""
    journal = POT.journal
    with fresh_read(db):
        oldest = (
            db.query(journal.id)
            .filter(journal.user_id == BUSY_PERSON)
            .order_by(journal.id)
            .offset(_PAGE)
            .limit(1)
        )
        return int(oldest.scalar())


def _statistics(db: Session) -> object:
    with fresh_read(db):
        return figures.stats(db)


def _repeated(way: Callable[[], object], repeat: int) -> Times:
    waits = []
    for _ in range(repeat):
        asked = time.perf_counter()
        way()
        waits.append(time.perf_counter() - asked)
    return times(waits, sum(waits))


def audited() -> tuple[int, float]:
    """How many rows were proven and in how many seconds."""
    with SessionLocal() as db:
        result = audit(db, POT, in_two_processes=(os.cpu_count() or 1) > 1)
    if result.finding_count:
        raise RuntimeError(f"the audit found {result.findings[0]}")
    return result.row_count, result.seconds


def size_mib(url: str) -> float:
    """A SQLite file's size; 0 for a server."""
    path = Path(url.removeprefix("sqlite:///"))
    return path.stat().st_size / 2**20 if path.is_file() else 0
