"""Everything that the economy page shows, as of one moment, read anew when something moved."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now, today
from imatch.core.database import SessionLocal
from imatch.ledger.models import CashTransaction, PotTransaction
from imatch.pot.economy import figures
from imatch.pot.economy.health import Indicator, health

# Some figures move without a transaction (people who sign up, awards that wait): they are read
# again after this time at the latest.
FRESH = timedelta(seconds=4)


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where the figures reach: the last row of each journal, and the day in UTC."""

    pot_id: int
    cash_id: int
    day: date


@dataclass(frozen=True, slots=True)
class Dashboard:
    mark: Mark
    read_at: datetime
    totals: Mapping[str, Any]
    shown: figures.Period
    earning: tuple[figures.Part, ...]
    spending: figures.SpendingPattern
    latest: Sequence[PotTransaction]


@dataclass(frozen=True, slots=True)
class EconomyHealth:
    indicators: tuple[Indicator, ...]
    read_at: datetime


_figures: WeakKeyDictionary[Engine, dict[int | None, Dashboard]] = WeakKeyDictionary()
_health: WeakKeyDictionary[Engine, EconomyHealth] = WeakKeyDictionary()


def mark() -> Mark:
    """Where the books are now: two look-ups, whatever their size."""
    with _snapshot() as db:
        return _mark(db)


def latest_dashboard(days: int | None) -> Dashboard:
    """The last `days` days (None: all) as of now: never older than the last transaction."""
    with _snapshot() as db:
        known = _figures.setdefault(db.get_bind().engine, {})
        reached = _mark(db)
        found = known.get(days)
        if found is None or found.mark != reached or not _is_fresh(found.read_at):
            found = known[days] = _read(db, reached, days)
        return found


def fresh_health() -> EconomyHealth:
    """Health as it was at most `FRESH` ago: it moves slowly and costs the most."""
    with _snapshot() as db:
        engine = db.get_bind().engine
        found = _health.get(engine)
        if found is None or not _is_fresh(found.read_at):
            found = _health[engine] = EconomyHealth(health(db), now())
        return found


def _is_fresh(read_at: datetime) -> bool:
    return timedelta() <= now() - read_at <= FRESH


@contextmanager
def _snapshot() -> Iterator[Session]:
    """A session that sees the books as they are at one moment, in all its queries."""
    with SessionLocal() as db:
        if db.get_bind().dialect.name == "postgresql":
            db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield db


def _mark(db: Session) -> Mark:
    last_ids = (
        select(func.coalesce(func.max(journal.id), 0)).scalar_subquery()
        for journal in (PotTransaction, CashTransaction)
    )
    pot_id, cash_id = db.execute(select(*last_ids)).one()
    return Mark(pot_id, cash_id, today())


def _read(db: Session, reached: Mark, days: int | None) -> Dashboard:
    return Dashboard(
        mark=reached,
        read_at=now(),
        totals=figures.stats(db),
        shown=figures.period(db, days),
        earning=figures.earning_breakdown(db, days),
        spending=figures.spending_breakdown(db, days),
        latest=figures.latest(db),
    )
