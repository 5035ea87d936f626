"""Budgets against prices: compared only where the units convert exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from imatch.matches.engine.layout import PRICE_UNITS, UNKNOWN_ORDINAL

TOLERANCE = 0.25  # a price this share above the budget counts 0, in between it falls in a line
_MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True, slots=True)
class Budget:
    """What a seeker is ready to pay, all-in. A missing side is no limit."""

    low_cents: int | None
    high_cents: int | None
    unit: str

    @classmethod
    def of(cls, answer: object) -> Self | None:
        """The budget in an answer; None where no upper limit or no unit was given."""
        if not isinstance(answer, Mapping) or answer.get("unit") not in PRICE_UNITS:
            return None
        low, high = answer.get("min_cents"), answer.get("max_cents")
        return None if high is None else cls(low, high, str(answer["unit"]))

    def excess(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """How far each lowest price is above the budget, as a share of it; NaN where unknown.

        0 or less: the ranges overlap or the price is lower. A month and a year convert exactly; an
        hour and a session do not, so they are not compared.
        """
        per_own = np.array([factor(name, self.unit) for name in PRICE_UNITS])
        known = np.append(per_own, np.full(256 - len(per_own), np.nan))
        prices = columns["price_min"] * known[columns["price_unit"]]
        return prices / max(self.high_cents or 0, 1) - 1

    def fits(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        return self.excess(columns) <= 0


def factor(unit: str, wanted: str) -> float:
    """What to multiply a price per `unit` by to have one per `wanted`; NaN if that is not exact."""
    if unit == wanted:
        return 1.0
    if unit in _MONTHS and wanted in _MONTHS:
        return _MONTHS[wanted] / _MONTHS[unit]
    return float("nan")


def unit_name(code: int) -> str:
    return PRICE_UNITS[code] if code != UNKNOWN_ORDINAL else ""


def score(excess: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 within the budget, falling in a line to 0 at +25 %; NaN stays unknown."""
    return np.clip(1 - np.maximum(excess, 0) / TOLERANCE, 0, 1)
