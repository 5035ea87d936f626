"""Budgets and prices: a price fits if it starts at or below the upper end of the budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.layout import PRICE_UNITS

TOLERANCE = 0.25  # share above the budget at which the score reaches 0, linearly


@dataclass(frozen=True, slots=True)
class Budget:
    """What a seeker is ready to pay, all-in. `low_cents` None means no lower limit."""

    low_cents: int | None
    high_cents: int
    unit: str

    @classmethod
    def of(cls, answer: object) -> Self | None:
        """The budget of an answer; None if it has no upper limit or no known unit."""
        if not isinstance(answer, Mapping) or answer.get("unit") not in PRICE_UNITS:
            return None
        low, high = answer.get("min_cents"), answer.get("max_cents")
        return None if high is None else cls(low, int(high), str(answer["unit"]))

    def score(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 within the budget, falling linearly to 0 at 25 % above it; NaN stays NaN."""
        above = prices / max(self.high_cents, 1) - 1
        return np.clip(1 - above / TOLERANCE, 0, 1)
