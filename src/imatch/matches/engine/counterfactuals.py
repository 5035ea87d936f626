"""What would change the list, or this person's place in it: sums over the same pool, nothing guessed."""

from dataclasses import replace

import numpy as np

from imatch.matches.engine.arithmetic import fit
from imatch.matches.engine.asked import Asked
from imatch.matches.engine.criteria import Rows
from imatch.matches.engine.facts import Facts
from imatch.matches.engine.gates import Gated
from imatch.matches.engine.prices import TOLERANCE, Budget
from imatch.matches.engine.scoring import Table
from imatch.matches.engine.store import Frame
from imatch.matches.engine.types import CriterionScore, Removed
from imatch.matches.engine.wording import UNITS, dollars, lower_first, number

ENOUGH_MORE = 4
WORTH_TELLING = 1.0  # points of fit
_STEPS_CENTS = (500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000)


class Counterfactuals:
    """Of one request. The budget and the rules are the same for everyone; the last resort is not."""

    def __init__(self, frame: Frame, rows: Rows, asked: Asked, table: Table, gated: Gated) -> None:
        self._frame, self._rows, self._asked, self._gated = frame, rows, asked, gated
        self._general = self._budget() or self._rule()
        self._told = False

    def tell(self, facts: Facts, criteria: tuple[CriterionScore, ...]) -> str:
        """What would raise this person's fit most; on the first card, what would change the list."""
        if self._general and not self._told:
            self._told = True
            return self._general
        return _own(facts, criteria) or self._general

    def _budget(self) -> str:
        """With $15 more a session, four more people fit your budget."""
        budget = self._asked.budget
        if budget is None or not budget.high_cents:
            return ""
        above = self._above(budget)
        reachable = np.sort(above[(above > 0) & (above <= TOLERANCE)])
        if not len(reachable):
            return ""
        enough = float(reachable[min(ENOUGH_MORE, len(reachable)) - 1])
        extra = _rounded_up(enough * budget.high_cents)
        more = int((reachable * budget.high_cents <= extra).sum())
        people = "one more person fits" if more == 1 else f"{number(more)} more people fit"
        return f"With {dollars(extra)} more {UNITS[budget.unit]}, {people} your budget."

    def _above(self, budget: Budget) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """The excess of everyone whom nothing but the budget keeps away."""
        bit = self._gated.bit_of("budget")
        if bit is None:
            rows = np.flatnonzero(self._gated.passes)
        else:
            only = (self._gated.failures & ~np.uint16(1 << bit)) == 0
            rows = np.flatnonzero(only & self._frame.live)
        names = ("price_min", "price_unit")
        return budget.excess({name: self._frame.columns[name][rows] for name in names})

    def _rule(self) -> str:
        removed = [r for r in self._gated.left.removed if r.relaxable]
        best = max(removed, key=lambda r: r.would_remain, default=None)
        return self._without(best) if best else ""

    def _without(self, rule: Removed) -> str:
        gained = rule.would_remain - self._gated.left.left
        if gained <= 0:
            return ""
        people = "one more person" if gained == 1 else f"{number(gained)} more people"
        return f"Without “{lower_first(rule.label)}” as a rule, {people} could be considered."


def _own(facts: Facts, criteria: tuple[CriterionScore, ...]) -> str:
    """If they also named estate planning, their fit would rise from 71 to 78: through the same sum."""
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
