"""A category's pool of providers: update it, count it, rank it for a need."""

import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CategoryDefinition
from imatch.ranking.explaining.explainer import Explainer
from imatch.ranking.fit import fit, pool_fits
from imatch.ranking.gates.gates import GateResult, active_gates, apply_gates
from imatch.ranking.pool.layout import Layout
from imatch.ranking.pool.records import Locate
from imatch.ranking.pool.snapshots import PoolWriter, Snapshot
from imatch.ranking.query import Query
from imatch.ranking.scoring.candidates import DEPTH, candidates
from imatch.ranking.scoring.criteria import Scores
from imatch.ranking.scoring.order import Policy, Selection, order_scores, select
from imatch.ranking.scoring.table import Table, columns_of, tabulate
from imatch.ranking.types import (
    Pick,
    PoolCount,
    RankableProvider,
    Ranking,
    Relaxation,
    Rows,
    StatedNeed,
    UnrankedPick,
)

BATCH_SIZE = 1_000  # providers


def locate_nothing(_: Mapping[str, Any]) -> None:
    """A `Locate` that knows no place: distances stay unknown."""


class Pool:
    """Providers of one category.

    Thread-safe: readers work on an immutable snapshot while one writer prepares the next.
    """

    def __init__(
        self,
        definition: CategoryDefinition,
        locate: Locate = locate_nothing,
        policy: Policy | None = None,
    ) -> None:
        self._layout = Layout(definition)
        self._locate = locate
        self._policy = policy or Policy()
        self._writer = PoolWriter(self._layout, locate)
        self._snapshot = self._writer.snapshot()
        self._write_lock = threading.Lock()

    def __len__(self) -> int:
        return self._snapshot.live_count

    def upsert(self, providers: Iterable[RankableProvider]) -> None:
        """Add providers or replace those with the same id. Readers see all changes at once."""
        with self._write_lock:
            remaining = iter(providers)
            while batch := list(islice(remaining, BATCH_SIZE)):
                self._writer.put(batch)
            self._snapshot = self._writer.snapshot()

    def remove(self, provider_ids: Iterable[int]) -> None:
        """Remove providers. Unknown ids are ignored."""
        with self._write_lock:
            for provider_id in provider_ids:
                self._writer.drop(provider_id)
            self._snapshot = self._writer.snapshot()

    def count_passing(self, need: StatedNeed, today: date) -> PoolCount:
        """How many providers pass the gates of a need, and how many each gate removes."""
        gates = active_gates(self._layout, need, today, frozenset())
        return apply_gates(self._snapshot, gates).count

    def relaxations(self, need: StatedNeed, today: date) -> tuple[Relaxation, ...]:
        """Gates that the seeker could drop to see more people, the most helpful first."""
        return _relaxations(self.count_passing(need, today))

    def fits(self, need: StatedNeed, today: date) -> tuple[tuple[int, float], ...]:
        """(provider id, fit 0..100) of all candidates, best fit first."""
        snapshot = self._snapshot
        gates = active_gates(self._layout, need, today, frozenset())
        passes = apply_gates(snapshot, gates).passes
        scored = self._score(snapshot, passes, need, today, DEPTH)
        if scored is None:
            return ()
        rows, _, _, fits = scored
        ids = snapshot.columns["id"][rows]
        order = np.lexsort((ids, -fits))
        return tuple(zip(ids[order].tolist(), (100 * fits[order]).tolist(), strict=True))

    def best_among(
        self, provider_ids: Collection[int], need: StatedNeed, today: date
    ) -> UnrankedPick | None:
        """The best-fitting candidate among these providers; None if none of them is a candidate.

        Used for labelled placements, which do not influence the order.
        """
        snapshot = self._snapshot
        gate_result = apply_gates(snapshot, active_gates(self._layout, need, today, frozenset()))
        scored = self._score(snapshot, gate_result.passes, need, today, DEPTH)
        if scored is None:
            return None
        rows, query, table, fits = scored
        ids = snapshot.columns["id"][rows]
        matches = np.flatnonzero(np.isin(ids, list(provider_ids)))
        if not len(matches):
            return None
        index = int(matches[np.lexsort((ids[matches], -fits[matches]))[0]])
        prices = np.zeros(len(rows))
        scores = order_scores(fits, snapshot.accept[rows], snapshot.occupancy[rows], prices)
        selection = Selection([index], None, {index: 1.0})
        (pick,) = _picks(snapshot, rows, query, table, scores, prices, selection, gate_result)
        return UnrankedPick(pick, int(np.count_nonzero(fits > fits[index])), len(rows))

    def rank(
        self,
        need: StatedNeed,
        *,
        count: int = 3,
        seed: int,
        today: date,
        exclude: frozenset[int] = frozenset(),
        exposure: Mapping[int, float] | None = None,
    ) -> Ranking:
        """The best providers for a need, best first. Deterministic for a need, pool and seed.

        `exclude` holds provider ids. `exposure` maps provider ids to the price that is subtracted
        from their order score.
        """
        snapshot = self._snapshot
        gate_result = apply_gates(snapshot, active_gates(self._layout, need, today, exclude))
        pool_count = gate_result.count
        scored = self._score(snapshot, gate_result.passes, need, today, max(DEPTH, count))
        if scored is None:
            return Ranking((), 0, 0, pool_count.removed, _relaxations(pool_count))
        rows, query, table, fits = scored
        prices = _prices(snapshot, rows, exposure or {})
        scores = order_scores(fits, snapshot.accept[rows], snapshot.occupancy[rows], prices)
        selection = select(
            snapshot, rows, fits, scores, count=count, seed=seed, policy=self._policy
        )
        picks = _picks(snapshot, rows, query, table, scores, prices, selection, gate_result)
        return Ranking(
            picks, len(rows), pool_count.passed, pool_count.removed, _relaxations(pool_count)
        )

    def _score(
        self,
        snapshot: Snapshot,
        passes: NDArray[np.bool_],
        need: StatedNeed,
        today: date,
        depth: int,
    ) -> tuple[Rows, Query, Table, Scores] | None:
        """The candidate rows with their table and fits (0..1); None if nobody passes the gates."""
        query = Query.of(snapshot, self._layout, need, today, self._locate)
        rows = candidates(snapshot, passes, query, depth)
        if not len(rows):
            return None
        table = tabulate(columns_of(snapshot, rows, query))
        return rows, query, table, pool_fits(table.weights, table.scores)


def _relaxations(pool_count: PoolCount) -> tuple[Relaxation, ...]:
    """Relaxable gates without which more providers would pass, the most helpful first."""
    gains = [
        Relaxation(effect.gate, effect.label, effect.would_remain - pool_count.passed)
        for effect in pool_count.removed
        if effect.relaxable and effect.would_remain > pool_count.passed
    ]
    return tuple(sorted(gains, key=lambda gain: (-gain.gained, gain.gate)))


def _prices(snapshot: Snapshot, rows: Rows, exposure: Mapping[int, float]) -> Scores:
    if not exposure:
        return np.zeros(len(rows))
    return np.array([exposure.get(i, 0.0) for i in snapshot.columns["id"][rows].tolist()])


def _picks(
    snapshot: Snapshot,
    rows: Rows,
    query: Query,
    table: Table,
    scores: Scores,
    prices: Scores,
    selection: Selection,
    gate_result: GateResult,
) -> tuple[Pick, ...]:
    explainer = Explainer(snapshot, rows, query, gate_result)
    picks = []
    for index in selection.indices:
        criteria = table.lines(index)
        explanation = explainer.explain(index, criteria)
        row = rows[index]
        picks.append(
            Pick(
                provider_id=int(snapshot.columns["id"][row]),
                fit=fit(criteria),
                order_score=float(scores[index]),
                accept=round(float(snapshot.accept[row]), 4),
                occupancy=round(float(snapshot.occupancy[row]), 4),
                exposure_price=float(prices[index]),
                criteria=criteria,
                reasons=explanation.reasons,
                caveat=explanation.caveat,
                best_sentence=explanation.best_sentence,
                counterfactual=explanation.counterfactual,
                newcomer=index == selection.newcomer,
                propensity=selection.propensities[index],
            )
        )
    return tuple(picks)
