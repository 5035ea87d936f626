"""The live pools, one a category: loaded at first use, then kept in step with the database."""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, func, select
from sqlalchemy.orm import Session

from imatch.categories import places
from imatch.categories.schemas import CategoryDefinition
from imatch.core import clock
from imatch.core.errors import DomainError
from imatch.core.logs import log
from imatch.matches import queries
from imatch.matches.models import Match
from imatch.matches.pool import providers as pool_providers
from imatch.matches.pool.exposure import Exposure
from imatch.providers.models import Provider
from imatch.ranking.ranker import Pool
from imatch.ranking.types import RankableProvider

REFRESH_INTERVAL_SECONDS = 0.25
RECONCILE_INTERVAL_SECONDS = 60.0
# A row's `updated_at` is set at its flush but visible only after its commit, and clocks may differ.
# Changes are therefore read again from this long before the last read. No transaction takes longer.
CHANGE_OVERLAP = timedelta(seconds=30)
_BATCH_SIZE = 500
_NEVER = datetime.max.replace(tzinfo=UTC)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) + CHANGE_OVERLAP


class MatchingUnavailable(DomainError):
    status = 503
    code = "matching_unavailable"

    def __init__(self) -> None:
        super().__init__("Matching is not available right now. Your answers are kept: try again.")


class LivePool:
    """The matchable providers of one category. Thread-safe."""

    def __init__(self, category_id: int, definition: CategoryDefinition) -> None:
        self.definition = definition
        self.pool = Pool(definition, places.locate)
        self.exposure = Exposure()
        self._category_id = category_id
        self._lock = threading.Lock()
        self.loaded = False
        self._refreshed_at = self._reconciled_at = -math.inf
        self._changes_read_at = _EARLIEST
        self._recent_changes: dict[int, str] = {}  # change marks by id, already loaded
        self._next_changes: dict[int, datetime] = {}  # by id, when a pause or credential ends
        self._next_change_at = _NEVER  # the earliest of them, or earlier
        self._last_match_id = 0

    def refresh(self, engine: Engine, *, fresh: bool) -> None:
        """Load what changed. `fresh` does so even if the last refresh was a moment ago."""
        due = fresh or time.monotonic() - self._refreshed_at >= REFRESH_INTERVAL_SECONDS
        # One thread refreshes; the others use the current state, unless nothing is loaded yet.
        if not due or not self._lock.acquire(blocking=fresh or not self.loaded):
            return
        try:
            with engine.connect() as connection:
                self._load_updates(connection)
            self._refreshed_at = time.monotonic()
        finally:
            self._lock.release()

    def reload(self, engine: Engine, provider_ids: Iterable[int]) -> None:
        """Load these providers again, regardless of their `updated_at`."""
        with self._lock, engine.connect() as connection:
            self._load(connection, provider_ids)

    def _load_updates(self, connection: Connection) -> None:
        if time.monotonic() - self._reconciled_at >= RECONCILE_INTERVAL_SECONDS:
            self._reconcile(connection)
            self._reconciled_at = time.monotonic()
        self._load_changes(connection)
        self._count_showings(connection)
        self.loaded = True

    def _reconcile(self, connection: Connection) -> None:
        """Load all providers the first time; later find deletions and closed accounts."""
        loaded = set(self.exposure)
        if not loaded:
            self._changes_read_at = clock.now()
            self._last_match_id = connection.scalar(select(func.max(Match.id))) or 0
            rows = connection.execute(queries.pool_rows(self._category_id))
            self._load_rows(rows.yield_per(_BATCH_SIZE))
            return
        matchable = set(connection.scalars(queries.matchable_ids(self._category_id, clock.now())))
        for provider_id in loaded - matchable:
            self._drop(provider_id)
        self._load(connection, matchable - loaded)

    def _load_changes(self, connection: Connection) -> None:
        now = clock.now()
        changes = queries.changes(self._category_id, self._changes_read_at - CHANGE_OVERLAP)
        recent = dict(connection.execute(changes).all())
        changed = {
            provider_id for provider_id, _mark in recent.items() - self._recent_changes.items()
        }
        if self._next_change_at <= now:
            changed |= {
                provider_id for provider_id, moment in self._next_changes.items() if moment <= now
            }
            self._load(connection, changed)
            self._next_change_at = min(self._next_changes.values(), default=_NEVER)
        else:
            self._load(connection, changed)
        self._recent_changes = recent
        self._changes_read_at = now

    def _load(self, connection: Connection, provider_ids: Iterable[int]) -> None:
        ids = sorted(provider_ids)
        for start in range(0, len(ids), _BATCH_SIZE):
            chunk = ids[start : start + _BATCH_SIZE]
            rows = connection.execute(
                queries.pool_rows(self._category_id).where(Provider.id.in_(chunk))
            ).all()
            for provider_id in set(chunk) - {row.id for row in rows}:
                self._drop(provider_id)
            self._load_rows(rows)

    def _load_rows(self, rows: Iterable[Row[Any]]) -> None:
        now = clock.now()
        unmatchable: list[int] = []
        self.pool.upsert(self._matchable_providers(rows, now, unmatchable))
        for provider_id in unmatchable:
            self._drop(provider_id)

    def _matchable_providers(
        self, rows: Iterable[Row[Any]], now: datetime, unmatchable: list[int]
    ) -> Iterator[RankableProvider]:
        """The providers that can be matched; adds the ids of the others to `unmatchable`."""
        for row in rows:
            self._recent_changes[row.id] = row.change_mark
            self._record_next_change(row, now)
            if not pool_providers.is_matchable(row, now):
                unmatchable.append(row.id)
                continue
            self.exposure.put(row.id, shown=row.shown_count, capacity=row.capacity)
            yield pool_providers.rankable_provider(self.definition, row, now.date())

    def _record_next_change(self, row: Row[Any], now: datetime) -> None:
        moment = pool_providers.next_change(row, now)
        if moment is None:
            self._next_changes.pop(row.id, None)
        else:
            self._next_changes[row.id] = moment
            self._next_change_at = min(self._next_change_at, moment)

    def _drop(self, provider_id: int) -> None:
        if provider_id in self.exposure:
            self.pool.remove([provider_id])
            self.exposure.drop(provider_id)

    def _count_showings(self, connection: Connection) -> None:
        """Count new matches of any process: showing a provider does not change `updated_at`."""
        shown = connection.execute(
            select(Match.id, Match.provider_id)
            .where(Match.id > self._last_match_id)
            .order_by(Match.id)
        )
        for match_id, provider_id in shown:
            self.exposure.count(provider_id)
            self._last_match_id = match_id


_pools: WeakKeyDictionary[Engine, dict[int, LivePool]] = WeakKeyDictionary()
_pools_lock = threading.Lock()


def live_pool(
    db: Session, category_id: int, definition: CategoryDefinition, *, fresh: bool = False
) -> LivePool:
    """The category's pool for this session's database. Raises MatchingUnavailable.

    Reads through its own connection, so that it never contains uncommitted changes.
    """
    engine = db.get_bind().engine
    with _pools_lock:
        pools = _pools.setdefault(engine, {})
        live = pools.get(category_id)
        if live is None or live.definition is not definition:
            live = pools[category_id] = LivePool(category_id, definition)
    try:
        live.refresh(engine, fresh=fresh)
    except Exception as error:
        log().error("match_pool_refresh_failed", category=definition.name, exc_info=error)
        if live.loaded:
            return live  # slightly stale; a shortlist checks its providers in the database
        with _pools_lock:
            pools.pop(category_id, None)  # the next request loads a new pool
        raise MatchingUnavailable from error
    return live
