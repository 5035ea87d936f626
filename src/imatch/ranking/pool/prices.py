"""Budgets against prices: a price fits when the ranges overlap, or it is lower."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.layout import PRICE_UNITS

TOLERANCE = 0.25  # a price this share above the budget counts 0, in between it falls in a line


@dataclass(frozen=True, slots=True)
class Budget:
    """What a seeker is ready to pay, all-in. A missing lower side is no limit."""

    low_cents: int | None
    high_cents: int
    unit: str

    @classmethod
    def of(cls, answer: object) -> Self | None:
        """The budget in an answer; None where no upper limit or no unit was given."""
        if not isinstance(answer, Mapping) or answer.get("unit") not in PRICE_UNITS:
            return None
        low, high = answer.get("min_cents"), answer.get("max_cents")
        return None if high is None else cls(low, int(high), str(answer["unit"]))

    def score(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """1 within the budget, falling in a line to 0 at 25 % above; NaN stays unknown."""
        above = prices / max(self.high_cents, 1) - 1
        return np.clip(1 - above / TOLERANCE, 0, 1)
