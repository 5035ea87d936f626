"""The live pools: one a category, loaded at first use, which follow what anybody writes."""

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

FOLLOW_EVERY_SECONDS = 0.25
RECONCILE_EVERY_SECONDS = 60.0
# A row is stamped when it is flushed and seen when it is committed, by a clock that may go a little
# wrong. Changes are therefore asked for from this long before the last look; no transaction of ours
# takes longer.
OVERLAP = timedelta(seconds=30)
_ROWS_AT_ONCE = 500
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) + OVERLAP


class MatchingUnavailable(DomainError):
    status = 503
    code = "matching_unavailable"

    def __init__(self) -> None:
        super().__init__("Matching is not available right now. Your answers are kept: try again.")


class LivePool:
    """The matchable providers of one category, as the database has them."""

    def __init__(self, category_id: int, definition: CategoryDefinition) -> None:
        self.definition = definition
        self.pool = Pool(definition, places.locate)
        self.exposure = Exposure()
        self._category_id = category_id
        self._lock = threading.Lock()
        self.loaded = False
        self._followed_at = self._reconciled_at = -math.inf
        self._looked_at = _EARLIEST
        self._recent: dict[int, datetime] = {}  # changes within the overlap that were taken
        self._wakes: dict[int, datetime] = {}  # when time alone changes somebody's facts
        self._last_match_id = 0

    def follow(self, engine: Engine, *, fresh: bool) -> None:
        """Take what changed since the last look. `fresh` looks even if that was a moment ago."""
        due = fresh or time.monotonic() - self._followed_at >= FOLLOW_EVERY_SECONDS
        # One thread looks, the others go on with what is known, unless nothing is yet.
        if not due or not self._lock.acquire(blocking=fresh or not self.loaded):
            return
        try:
            with engine.connect() as connection:
                self._look(connection)
            self._followed_at = time.monotonic()
        finally:
            self._lock.release()

    def recheck(self, engine: Engine, provider_ids: Iterable[int]) -> None:
        """Read these providers again, whatever their rows' dates say."""
        with self._lock, engine.connect() as connection:
            self._take(connection, provider_ids)

    def _look(self, connection: Connection) -> None:
        if time.monotonic() - self._reconciled_at >= RECONCILE_EVERY_SECONDS:
            self._reconcile(connection)
            self._reconciled_at = time.monotonic()
        self._take_changes(connection)
        self._count_showings(connection)
        self.loaded = True

    def _reconcile(self, connection: Connection) -> None:
        """Load everybody at first; later make up for deletions and accounts closed elsewhere."""
        held = set(self.exposure)
        if not held:
            self._looked_at = clock.now()
            self._last_match_id = connection.scalar(select(func.max(Match.id))) or 0
            rows = connection.execute(queries.offer_rows(self._category_id))
            self._take_rows(rows.yield_per(_ROWS_AT_ONCE))
            return
        matchable = set(connection.scalars(queries.matchable_ids(self._category_id, clock.now())))
        for provider_id in held - matchable:
            self._drop(provider_id)
        self._take(connection, matchable - held)

    def _take_changes(self, connection: Connection) -> None:
        now = clock.now()
        changes = connection.execute(
            select(Provider.id, Provider.updated_at).where(
                Provider.category_id == self._category_id,
                Provider.updated_at > self._looked_at - OVERLAP,
            )
        ).all()
        changed = {row.id for row in changes if self._recent.get(row.id) != row.updated_at}
        woken = {provider_id for provider_id, wake in self._wakes.items() if wake <= now}
        self._take(connection, changed | woken)
        self._recent = {row.id: row.updated_at for row in changes}
        self._looked_at = now

    def _take(self, connection: Connection, provider_ids: Iterable[int]) -> None:
        wanted = sorted(provider_ids)
        for start in range(0, len(wanted), _ROWS_AT_ONCE):
            chunk = wanted[start : start + _ROWS_AT_ONCE]
            rows = connection.execute(
                queries.offer_rows(self._category_id).where(Provider.id.in_(chunk))
            ).all()
            for provider_id in set(chunk) - {row.id for row in rows}:
                self._drop(provider_id)
            self._take_rows(rows)

    def _take_rows(self, rows: Iterable[Row[Any]]) -> None:
        now = clock.now()
        left: list[int] = []
        self.pool.upsert(self._matchable_offers(rows, now, left))
        for provider_id in left:
            self._drop(provider_id)

    def _matchable_offers(
        self, rows: Iterable[Row[Any]], now: datetime, left: list[int]
    ) -> Iterator[RankableProvider]:
        """Offers of those who can be matched; the others' ids are added to `left`."""
        for row in rows:
            self._recent[row.id] = row.updated_at
            self._note_wake(row, now)
            if not pool_providers.is_matchable(row, now):
                left.append(row.id)
                continue
            self.exposure.put(row.id, shown=row.shown_count, capacity=row.capacity)
            yield pool_providers.offer_of(self.definition, row, now.date())

    def _note_wake(self, row: Row[Any], now: datetime) -> None:
        wake = pool_providers.next_wake(row, now)
        if wake is None:
            self._wakes.pop(row.id, None)
        else:
            self._wakes[row.id] = wake

    def _drop(self, provider_id: int) -> None:
        if provider_id in self.exposure:
            self.pool.remove([provider_id])
            self.exposure.drop(provider_id)

    def _count_showings(self, connection: Connection) -> None:
        """Who was shown since, by this process or another: their rows do not say so by date."""
        shown = connection.execute(
            select(Match.id, Match.provider_id)
            .where(Match.id > self._last_match_id)
            .order_by(Match.id)
        )
        for match_id, provider_id in shown:
            self.exposure.count(provider_id)
            self._last_match_id = match_id


_live: WeakKeyDictionary[Engine, dict[int, LivePool]] = WeakKeyDictionary()
_live_lock = threading.Lock()


def live_pool(
    db: Session, category_id: int, definition: CategoryDefinition, *, fresh: bool = False
) -> LivePool:
    """The category's pool on this session's database. Raises MatchingUnavailable.

    It reads through a connection of its own: what the session has not committed is nobody else's
    business yet.
    """
    engine = db.get_bind().engine
    with _live_lock:
        pools = _live.setdefault(engine, {})
        live = pools.get(category_id)
        if live is None or live.definition is not definition:
            live = pools[category_id] = LivePool(category_id, definition)
    try:
        live.follow(engine, fresh=fresh)
    except Exception as error:
        log().error("match_index_failed", category=definition.name, exc_info=error)
        if live.loaded:
            return live  # what was known a moment ago; a shortlist checks its people once more
        with _live_lock:
            pools.pop(category_id, None)  # the next request begins anew
        raise MatchingUnavailable from error
    return live
