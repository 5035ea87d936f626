"""What would change the list, or a person's fit: sums over the same pool, nothing guessed."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imatch.core.money import usd
from imatch.ranking.explaining.wording import UNITS, lower_first, spelled
from imatch.ranking.fit import fit
from imatch.ranking.gates.gates import Gated
from imatch.ranking.pool.columns import Frame
from imatch.ranking.pool.prices import TOLERANCE, Budget
from imatch.ranking.query import Asked
from imatch.ranking.types import CriterionScore, Removed
from imatch.web.formats import money, noun

ENOUGH_MORE = 4
WORTH_TELLING = 1.0  # points of fit
_STEPS_CENTS = (500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000)


class Counterfactuals:
    """Of one request: budget and rules are everyone's, the last resort is each one's own."""

    def __init__(self, frame: Frame, asked: Asked, gated: Gated) -> None:
        self._frame, self._asked, self._gated = frame, asked, gated
        self._general = self._budget() or self._rule()
        self._told = False

    def tell(self, criteria: tuple[CriterionScore, ...]) -> str:
        """On the first card what would change the list, then what would raise the fit most."""
        if self._general and not self._told:
            self._told = True
            return self._general
        return _own(criteria) or self._general

    def _budget(self) -> str:
        """With $15 more a session, four more people fit your budget."""
        budget = self._asked.budget
        if budget is None or not budget.high_cents:
            return ""
        extras = self._just_above(budget) - budget.high_cents
        if not len(extras):
            return ""
        enough = min(ENOUGH_MORE, len(extras)) - 1
        extra = _rounded_up(float(np.partition(extras, enough)[enough]))
        more = int((extras <= extra).sum())
        people = f"{spelled(more)} more {noun(more, 'person fits', 'people fit')}"
        return f"With {money(usd(extra))} more {UNITS[budget.unit]}, {people} your budget."

    def _just_above(self, budget: Budget) -> NDArray[np.float64]:
        """Prices up to 25 % above the budget of everyone whom nothing but the budget keeps away."""
        prices = self._frame.prices_in(budget.unit)
        most = budget.high_cents * (1 + TOLERANCE)
        near = np.flatnonzero((prices > budget.high_cents) & (prices <= most))
        reachable: NDArray[np.float64] = prices[near[self._gated.passes_all_but("budget", near)]]
        return reachable

    def _rule(self) -> str:
        removed = [r for r in self._gated.left.removed if r.relaxable]
        best = max(removed, key=lambda r: r.would_remain, default=None)
        return self._without(best) if best else ""

    def _without(self, rule: Removed) -> str:
        gained = rule.would_remain - self._gated.left.left
        if gained <= 0:
            return ""
        people = f"{spelled(gained)} more {noun(gained, 'person', 'people')}"
        return f"Without “{lower_first(rule.label)}” as a rule, {people} could be considered."


def _own(criteria: tuple[CriterionScore, ...]) -> str:
    """What full marks for the weakest criterion would make of the fit: by the same sum."""
    weighed = [line for line in criteria if line.weight and line.known]
    if not weighed:
        return ""
    weakest = max(weighed, key=lambda line: line.weight * (1 - line.score))
    now = fit(criteria)
    then = fit(replace(c, score=1.0) if c.name == weakest.name else c for c in criteria)
    if then - now < WORTH_TELLING:
        return ""
    label = lower_first(weakest.label)
    return f"With full marks for {label}, the fit would be {then:g} instead of {now:g}."


def _rounded_up(cents: float) -> int:
    """To a step that one would say aloud."""
    step = next((s for s in reversed(_STEPS_CENTS) if s * 3 <= cents), _STEPS_CENTS[0])
    return int(-(-round(cents, 6) // step)) * step
