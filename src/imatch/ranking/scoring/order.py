"""The order of candidates: fit, acceptance, free capacity, diversity, and sometimes a newcomer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.layout import popcount
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.scoring.criteria import Scores
from imatch.ranking.types import Rows

DIVERSIFIED_CANDIDATES = 60  # best candidates that are reordered for diversity
ESTABLISHED_OUTCOMES = 8  # a provider with fewer is a newcomer
MAX_NEWCOMERS = 20  # in one draw
GRID_POINTS = 256  # of the integral over Beta densities


@dataclass(frozen=True, slots=True)
class Policy:
    """How much the order departs from fit for the health of the market."""

    diversity: float = 0.15  # penalty for full similarity to a provider already chosen
    newcomer_share: float = 0.30  # of requests whose last position goes to a newcomer


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen candidates in order, and how the last position was filled."""

    indices: list[int]  # into the candidates
    newcomer: int | None  # index of the chosen newcomer
    propensities: dict[int, float]  # by index, the probability of the position


def order_scores(
    fits: Scores, accept: NDArray[np.float32], occupancy: NDArray[np.float32], prices: Scores
) -> Scores:
    """Fit · √accept · √(1 - occupancy) - exposure price, rounded to 9 decimals."""
    room = np.maximum(1 - occupancy.astype(np.float64), 0)
    return np.round(fits * np.sqrt(accept.astype(np.float64)) * np.sqrt(room) - prices, 9)


def select(
    snapshot: Snapshot,
    rows: Rows,
    fits: Scores,
    scores: Scores,
    *,
    count: int,
    seed: int,
    policy: Policy,
) -> Selection:
    """The best `count` candidates with diversity.

    If there are at least three, the last one is a newcomer with the policy's probability.
    """
    ids = snapshot.columns["id"][rows]
    ranked = np.lexsort((ids, -scores))
    chosen = _diversified(snapshot, rows, ranked, scores, count, policy.diversity)
    propensities = dict.fromkeys(chosen, 1.0)
    if len(chosen) < count or count < 3 or not policy.newcomer_share:  # noqa: PLR2004 -- of three positions
        return Selection(chosen, None, propensities)
    eligible = _newcomers(snapshot, rows, fits, ranked, set(chosen))
    if not len(eligible):
        return Selection(chosen, None, propensities)
    random = np.random.default_rng(seed)
    if random.random() >= policy.newcomer_share:
        propensities[chosen[-1]] = 1 - policy.newcomer_share
        return Selection(chosen, None, propensities)
    chances = _chances_of_largest_sample(snapshot, rows[eligible])
    choice = int(random.choice(len(eligible), p=chances))
    newcomer = int(eligible[choice])
    propensities.pop(chosen[-1])
    propensities[newcomer] = policy.newcomer_share * float(chances[choice])
    return Selection([*chosen[:-1], newcomer], newcomer, propensities)


def _diversified(
    snapshot: Snapshot,
    rows: Rows,
    ranked: NDArray[np.intp],
    scores: Scores,
    count: int,
    penalty: float,
) -> list[int]:
    """The best `count` by maximal marginal relevance (Carbonell and Goldstein, 1998).

    Each step takes the highest score minus the penalty for similarity to those already chosen.
    """
    head, tail = ranked[:DIVERSIFIED_CANDIDATES], ranked[DIVERSIFIED_CANDIDATES:]
    if not penalty or not len(head):
        return [int(index) for index in ranked[:count]]
    traits = _traits(snapshot, rows[head])
    sizes = popcount(traits)
    max_similarity = np.zeros(len(head))
    remaining = scores[head].copy()
    chosen: list[int] = []
    for _ in range(min(count, len(head))):
        best = int(np.argmax(remaining - penalty * max_similarity))
        chosen.append(int(head[best]))
        remaining[best] = -np.inf
        shared = popcount(traits & traits[best])
        similarity = shared / np.maximum(sizes + sizes[best] - shared, 1)
        max_similarity = np.maximum(max_similarity, similarity)
    return chosen + [int(index) for index in tail[: count - len(chosen)]]


def _traits(snapshot: Snapshot, rows: Rows) -> NDArray[np.uint64]:
    """All vocabulary bits of each row side by side; shape (rows, words)."""
    gathered = snapshot.gather(rows)
    return np.hstack([gathered[name] for name in snapshot.columns if name.startswith("set:")])


def _newcomers(
    snapshot: Snapshot, rows: Rows, fits: Scores, ranked: NDArray[np.intp], chosen: set[int]
) -> NDArray[np.intp]:
    """The best-ranked candidates with few outcomes and a fit above the median."""
    columns = snapshot.columns
    outcomes = np.maximum(columns["invites"][rows], columns["completed"][rows])
    outcomes = np.maximum(outcomes, columns["rating_count"][rows])
    eligible: NDArray[np.bool_] = (outcomes < ESTABLISHED_OUTCOMES) & (fits > _median(fits))
    eligible[list(chosen)] = False
    newcomers: NDArray[np.intp] = ranked[eligible[ranked]][:MAX_NEWCOMERS]
    return newcomers


def _median(values: Scores) -> float:
    ordered = np.sort(values)
    return float(ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2


def _chances_of_largest_sample(snapshot: Snapshot, rows: Rows) -> Scores:
    """The probability that each provider's sample from Beta(1 + accepts, 1 + declines) is largest.

    This is the choice of Thompson sampling. It is integrated on a grid, so that the stored
    propensity is exactly the probability that was used.
    """
    accepts = snapshot.columns["accepts"][rows].astype(np.float64)
    declines = np.maximum(snapshot.columns["invites"][rows] - accepts, 0)
    points = (np.arange(GRID_POINTS) + 0.5) / GRID_POINTS
    density = points ** accepts[:, None] * (1 - points) ** declines[:, None]
    density /= density.sum(axis=1, keepdims=True)
    below = np.maximum(np.cumsum(density, axis=1) - density / 2, 1e-12)
    others_below = np.exp(np.log(below).sum(axis=0) - np.log(below))
    chances = (density * others_below).sum(axis=1)
    return chances / chances.sum()  # type: ignore[no-any-return]  # numpy says Any
