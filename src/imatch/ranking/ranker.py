"""A category's pool of providers: change it, count it, rank it for a need."""

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
from imatch.ranking.gates.gates import Gated, gate, rules_of
from imatch.ranking.pool.columns import Frame, Store
from imatch.ranking.pool.layout import Layout
from imatch.ranking.pool.records import Locate
from imatch.ranking.query import Asked
from imatch.ranking.scoring.candidates import DEPTH, candidates
from imatch.ranking.scoring.criteria import Rows, Scores
from imatch.ranking.scoring.order import Placed, Policy, order_scores, place
from imatch.ranking.scoring.table import Table, columns_of, tabulate
from imatch.ranking.types import (
    Compared,
    Left,
    Pick,
    RankableProvider,
    Ranking,
    Relaxation,
    StatedNeed,
)

BATCH = 1_000  # providers that are read and written together


def nowhere(_: Mapping[str, Any]) -> None:
    """Locates no place: distances stay unknown."""


class Pool:
    """Providers of one category. Threads may read while one writes; each sees one moment."""

    def __init__(
        self,
        definition: CategoryDefinition,
        locate: Locate = nowhere,
        policy: Policy | None = None,
    ) -> None:
        self._layout = Layout(definition)
        self._locate = locate
        self._policy = policy or Policy()
        self._store = Store(self._layout, locate)
        self._frame = self._store.frame()
        self._writing = threading.Lock()

    def __len__(self) -> int:
        return self._frame.live_count

    def upsert(self, providers: Iterable[RankableProvider]) -> None:
        """Add providers or replace those with the same id; readers see all of them at once."""
        with self._writing:
            waiting = iter(providers)
            while batch := list(islice(waiting, BATCH)):
                self._store.put(batch)
            self._frame = self._store.frame()

    def remove(self, provider_ids: Iterable[int]) -> None:
        """Forget providers; unknown ids are no fault."""
        with self._writing:
            for provider_id in provider_ids:
                self._store.drop(provider_id)
            self._frame = self._store.frame()

    def count_left(self, need: StatedNeed, today: date) -> Left:
        """How many pass the rules of a need, and what each rule removes."""
        rules = rules_of(self._layout, need, today, frozenset())
        return gate(self._frame, rules).left

    def explain_zero(self, need: StatedNeed, today: date) -> tuple[Relaxation, ...]:
        """What could be given up to see more people, the most helpful first."""
        return relaxations(self.count_left(need, today))

    def fits(self, need: StatedNeed, today: date) -> tuple[tuple[int, float], ...]:
        """(provider, fit) of everyone considered, best fit first."""
        frame = self._frame
        rules = rules_of(self._layout, need, today, frozenset())
        scored = self._score(frame, gate(frame, rules).passes, need, today, DEPTH)
        if scored is None:
            return ()
        rows, _, _, fits = scored
        ids = frame.columns["id"][rows]
        order = np.lexsort((ids, -fits))
        return tuple(zip(ids[order].tolist(), (100 * fits[order]).tolist(), strict=True))

    def best_of(
        self, provider_ids: Collection[int], need: StatedNeed, today: date
    ) -> Compared | None:
        """Of these providers, the one who fits best of all who pass the rules; None if nobody does.

        For a labelled placement: it takes no part in the order, which knows nothing of it.
        """
        frame = self._frame
        gated = gate(frame, rules_of(self._layout, need, today, frozenset()))
        scored = self._score(frame, gated.passes, need, today, DEPTH)
        if scored is None:
            return None
        rows, asked, table, fits = scored
        ids = frame.columns["id"][rows]
        found = np.flatnonzero(np.isin(ids, list(provider_ids)))
        if not len(found):
            return None
        index = int(found[np.lexsort((ids[found], -fits[found]))[0]])
        prices = np.zeros(len(rows))
        scores = order_scores(fits, frame.accept[rows], frame.occupancy[rows], prices)
        alone = Placed([index], None, {index: 1.0})
        (pick,) = _picks(frame, rows, asked, table, scores, prices, alone, gated)
        return Compared(pick, int(np.count_nonzero(fits > fits[index])), len(rows))

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
        """The people for a need, best first: the same for the same need, pool and seed."""
        frame = self._frame
        gated = gate(frame, rules_of(self._layout, need, today, exclude))
        left = gated.left
        scored = self._score(frame, gated.passes, need, today, max(DEPTH, count))
        if scored is None:
            return Ranking((), 0, 0, left.removed, relaxations(left))
        rows, asked, table, fits = scored
        prices = _prices(frame, rows, exposure or {})
        scores = order_scores(fits, frame.accept[rows], frame.occupancy[rows], prices)
        placed = place(frame, rows, fits, scores, count=count, seed=seed, policy=self._policy)
        picks = _picks(frame, rows, asked, table, scores, prices, placed, gated)
        return Ranking(picks, len(rows), left.left, left.removed, relaxations(left))

    def _score(
        self, frame: Frame, passes: NDArray[np.bool_], need: StatedNeed, today: date, depth: int
    ) -> tuple[Rows, Asked, Table, Scores] | None:
        """Candidates with their table and fits, or None where nobody passes."""
        asked = Asked.of(frame, self._layout, need, today, self._locate)
        rows = candidates(frame, passes, asked, depth)
        if not len(rows):
            return None
        table = tabulate(columns_of(frame, rows, asked))
        return rows, asked, table, pool_fits(table.weights, table.scores)


def relaxations(left: Left) -> tuple[Relaxation, ...]:
    """Rules that may be given up and whose end would leave more people."""
    gains = [
        Relaxation(r.gate, r.label, r.would_remain - left.left)
        for r in left.removed
        if r.relaxable and r.would_remain > left.left
    ]
    return tuple(sorted(gains, key=lambda g: (-g.gained, g.gate)))


def _prices(frame: Frame, rows: Rows, exposure: Mapping[int, float]) -> Scores:
    if not exposure:
        return np.zeros(len(rows))
    return np.array([exposure.get(i, 0.0) for i in frame.columns["id"][rows].tolist()])


def _picks(
    frame: Frame,
    rows: Rows,
    asked: Asked,
    table: Table,
    scores: Scores,
    prices: Scores,
    placed: Placed,
    gated: Gated,
) -> tuple[Pick, ...]:
    explainer = Explainer(frame, rows, asked, gated)
    picks = []
    for index in placed.places:
        criteria = table.lines(index)
        told = explainer.explain(index, criteria)
        row = rows[index]
        picks.append(
            Pick(
                provider_id=int(frame.columns["id"][row]),
                fit=fit(criteria),
                order_score=float(scores[index]),
                accept=round(float(frame.accept[row]), 4),
                occupancy=round(float(frame.occupancy[row]), 4),
                exposure_price=float(prices[index]),
                criteria=criteria,
                reasons=told.reasons,
                caveat=told.caveat,
                best_sentence=told.best_sentence,
                counterfactual=told.counterfactual,
                newcomer=index == placed.newcomer,
                propensity=placed.propensities[index],
            )
        )
    return tuple(picks)
