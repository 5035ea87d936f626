"""The data of the economy page, read in one snapshot and cached until a book changes."""

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

# The maximum age of cached figures. Some change without a transaction: users, queued awards.
MAX_AGE = timedelta(seconds=4)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the figures cover: the last id of each journal, and the day in UTC."""

    pot_id: int
    cash_id: int
    day: date


@dataclass(frozen=True, slots=True)
class Dashboard:
    """All figures of the page for one period; `latest` are the newest transactions."""

    mark: Mark
    read_at: datetime
    totals: Mapping[str, Any]
    period: figures.Period
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
    """The current mark. Costs two index look-ups at any size of the books."""
    with _snapshot() as db:
        return _mark(db)


def latest_dashboard(days: int | None) -> Dashboard:
    """The last `days` days (None: all). Includes every committed transaction."""
    with _snapshot() as db:
        cache = _figures.setdefault(db.get_bind().engine, {})
        current = _mark(db)
        dashboard = cache.get(days)
        if dashboard is None or dashboard.mark != current or not _is_fresh(dashboard.read_at):
            dashboard = cache[days] = _read(db, current, days)
        return dashboard


def fresh_health() -> EconomyHealth:
    """Health, at most `MAX_AGE` old: it changes slowly and costs the most to read."""
    with _snapshot() as db:
        engine = db.get_bind().engine
        cached = _health.get(engine)
        if cached is None or not _is_fresh(cached.read_at):
            cached = _health[engine] = EconomyHealth(health(db), now())
        return cached


def _is_fresh(read_at: datetime) -> bool:
    return timedelta() <= now() - read_at <= MAX_AGE


@contextmanager
def _snapshot() -> Iterator[Session]:
    """A session whose queries all see the same state of the database."""
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


def _read(db: Session, current: Mark, days: int | None) -> Dashboard:
    return Dashboard(
        mark=current,
        read_at=now(),
        totals=figures.stats(db),
        period=figures.period(db, days),
        earning=figures.earning_breakdown(db, days),
        spending=figures.spending_breakdown(db, days),
        latest=figures.latest(db),
    )
