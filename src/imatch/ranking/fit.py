"""The fit: a weighted mean in integer arithmetic, so that recomputing it gives the same digits.

Scores have four decimals and weights are integers. Σ w·f and Σ w are therefore exact integers (in
ten-thousandths): in numpy for a whole pool, in Python for one provider, before and after JSON.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.types import CriterionScore

SCORE_UNITS = 10_000


def units(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """Scores of 0..1 as integer ten-thousandths, clipped and rounded."""
    scaled: NDArray[np.float64] = np.clip(scores, 0.0, 1.0) * float(SCORE_UNITS)
    return np.rint(scaled).astype(np.int64)


def pool_fits(weights: NDArray[np.int64], scores: NDArray[np.int64]) -> NDArray[np.float64]:
    """Σ w·f / Σ w as 0..1 for each row of `scores`, a matrix of ten-thousandths.

    `weights` has the shape (criteria,), `scores` (providers, criteria), the result (providers,).
    """
    total = int(weights.sum())
    if total == 0:
        return np.zeros(len(scores))
    return (scores @ weights) / (total * SCORE_UNITS)


def fit(criteria: Iterable[CriterionScore]) -> float:
    """The fit as shown, 0..100 with one decimal: 100 · Σ w·f / Σ w, halves rounded up."""
    weighted = [(line.weight, round(line.score * SCORE_UNITS)) for line in criteria]
    total = sum(weight for weight, _ in weighted) * SCORE_UNITS
    if total == 0:
        return 0.0
    points = sum(weight * score for weight, score in weighted)
    return ((2000 * points + total) // (2 * total)) / 10
