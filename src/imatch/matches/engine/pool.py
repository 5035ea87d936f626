"""A category's pool of providers: change it, count it, and rank it for a need."""

import threading
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np

from imatch.categories.schemas import CategoryDefinition
from imatch.matches.engine.arithmetic import fit, pool_fits
from imatch.matches.engine.asked import Asked
from imatch.matches.engine.candidates import DEPTH, candidates
from imatch.matches.engine.expertise import parts_of
from imatch.matches.engine.explanation import Explainer
from imatch.matches.engine.gates import Gated, gate, rules_of
from imatch.matches.engine.layout import Layout
from imatch.matches.engine.order import Placed, Policy, order_scores, place
from imatch.matches.engine.scoring import Table, columns_of, tabulate
from imatch.matches.engine.store import Frame, Locate, Store
from imatch.matches.engine.types import Left, Need, Offer, Pick, Relaxation, Shortlist

EXPOSURE_UNIT = 1.0


def nowhere(_: Mapping[str, Any]) -> None:
    """Locates no place: distances stay unknown."""


class Pool:
    """Providers of one category. Many threads may read while one writes; each reader sees one moment."""

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

    def upsert(self, offers: Iterable[Offer]) -> None:
        """Add providers or replace those with the same id; readers see all of them at once."""
        with self._writing:
            for offer in offers:
                self._store.put(offer)
            self._frame = self._store.frame()

    def remove(self, provider_ids: Iterable[int]) -> None:
        """Forget providers; unknown ids are no fault."""
        with self._writing:
            for provider_id in provider_ids:
                self._store.drop(provider_id)
            self._frame = self._store.frame()

    def count_left(self, need: Need, today: date) -> Left:
        """How many pass the rules of a need, and what each rule removes."""
        rules = rules_of(self._layout, need, today, frozenset())
        return gate(self._frame, rules).left

    def explain_zero(self, need: Need, today: date) -> tuple[Relaxation, ...]:
        """What could be given up to see more people, the most helpful first."""
        return relaxations(self.count_left(need, today))

    def rank(
        self,
        need: Need,
        *,
        count: int = 3,
        seed: int,
        today: date,
        exclude: frozenset[int] = frozenset(),
        exposure: Mapping[int, float] | None = None,
    ) -> Shortlist:
        """The people for a need, best first: the same for the same need, pool and seed."""
        frame = self._frame
        gated = gate(frame, rules_of(self._layout, need, today, exclude))
        asked = Asked.of(self._layout, need, today, self._locate)
        rows = candidates(frame, gated.passes, asked, max(DEPTH, count))
        picks: tuple[Pick, ...] = ()
        if len(rows):
            table = tabulate(columns_of(frame, rows, asked, parts_of(frame, rows, asked)))
            fits = pool_fits(table.weights, table.scores)
            prices = _prices(frame, rows, exposure or {})
            scores = order_scores(fits, frame.accept[rows], frame.occupancy[rows], prices)
            placed = place(frame, rows, fits, scores, count=count, seed=seed, policy=self._policy)
            picks = _picks(frame, rows, asked, table, scores, prices, placed, gated)
        left = gated.left
        return Shortlist(picks, len(rows), left.left, left.removed, relaxations(left))


def relaxations(left: Left) -> tuple[Relaxation, ...]:
    """Rules that may be given up and whose end would leave more people."""
    gains = [
        Relaxation(r.gate, r.label, r.would_remain - left.left)
        for r in left.removed
        if r.relaxable and r.would_remain > left.left
    ]
    return tuple(sorted(gains, key=lambda g: (-g.gained, g.gate)))


def _prices(frame: Frame, rows: Any, exposure: Mapping[int, float]) -> Any:
    if not exposure:
        return np.zeros(len(rows))
    return np.array([exposure.get(i, 0.0) for i in frame.columns["id"][rows].tolist()])


def _picks(
    frame: Frame,
    rows: Any,
    asked: Asked,
    table: Table,
    scores: Any,
    prices: Any,
    placed: Placed,
    gated: Gated,
) -> tuple[Pick, ...]:
    explainer = Explainer(frame, rows, asked, table, gated)
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
