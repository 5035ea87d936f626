"""What would change the list or a provider's fit, computed on the same pool."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imatch.core.money import usd
from imatch.ranking.explaining.wording import UNITS, lower_first, spelled
from imatch.ranking.fit import fit
from imatch.ranking.gates.gates import GateResult
from imatch.ranking.pool.prices import TOLERANCE, Budget
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.query import Query
from imatch.ranking.types import CriterionScore, GateEffect
from imatch.web.formats import money, noun

TARGET_MORE_PEOPLE = 4
MIN_FIT_GAIN = 1.0  # points of fit
_ROUND_STEPS_CENTS = (500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000)


class Counterfactuals:
    """The counterfactuals of one request.

    A change of budget or gates concerns the whole list; a change of fit concerns one pick.
    """

    def __init__(self, snapshot: Snapshot, query: Query, gate_result: GateResult) -> None:
        self._snapshot, self._query, self._gate_result = snapshot, query, gate_result
        self._general = self._budget() or self._without_best_gate()
        self._general_used = False

    def describe(self, criteria: tuple[CriterionScore, ...]) -> str:
        """For the first pick, what would change the list; then what would raise the fit most."""
        if self._general and not self._general_used:
            self._general_used = True
            return self._general
        return _own(criteria) or self._general

    def _budget(self) -> str:
        """For example: With $15 more a session, four more people fit your budget."""
        budget = self._query.budget
        if budget is None or not budget.high_cents:
            return ""
        extras = self._just_above(budget) - budget.high_cents
        if not len(extras):
            return ""
        index = min(TARGET_MORE_PEOPLE, len(extras)) - 1
        extra = _rounded_up(float(np.partition(extras, index)[index]))
        more = int((extras <= extra).sum())
        people = f"{spelled(more)} more {noun(more, 'person fits', 'people fit')}"
        return f"With {money(usd(extra))} more {UNITS[budget.unit]}, {people} your budget."

    def _just_above(self, budget: Budget) -> NDArray[np.float64]:
        """Prices up to 25 % above the budget, of providers that fail no gate but the budget."""
        prices = self._snapshot.prices_in(budget.unit)
        max_cents = budget.high_cents * (1 + TOLERANCE)
        near = np.flatnonzero((prices > budget.high_cents) & (prices <= max_cents))
        prices_above: NDArray[np.float64] = prices[
            near[self._gate_result.passes_all_but("budget", near)]
        ]
        return prices_above

    def _without_best_gate(self) -> str:
        relaxable = [effect for effect in self._gate_result.count.removed if effect.relaxable]
        best = max(relaxable, key=lambda effect: effect.would_remain, default=None)
        return self._without(best) if best else ""

    def _without(self, effect: GateEffect) -> str:
        gained = effect.would_remain - self._gate_result.count.passed
        if gained <= 0:
            return ""
        people = f"{spelled(gained)} more {noun(gained, 'person', 'people')}"
        return f"Without “{lower_first(effect.label)}” as a rule, {people} could be considered."


def _own(criteria: tuple[CriterionScore, ...]) -> str:
    """What the fit would be with a full score for the weakest criterion."""
    weighted = [line for line in criteria if line.weight and line.known]
    if not weighted:
        return ""
    weakest = max(weighted, key=lambda line: line.weight * (1 - line.score))
    now = fit(criteria)
    then = fit(replace(c, score=1.0) if c.name == weakest.name else c for c in criteria)
    if then - now < MIN_FIT_GAIN:
        return ""
    label = lower_first(weakest.label)
    return f"With full marks for {label}, the fit would be {then:g} instead of {now:g}."


def _rounded_up(cents: float) -> int:
    """Rounded up to a multiple of the largest fitting round step."""
    step = next((s for s in reversed(_ROUND_STEPS_CENTS) if s * 3 <= cents), _ROUND_STEPS_CENTS[0])
    return int(-(-round(cents, 6) // step)) * step
