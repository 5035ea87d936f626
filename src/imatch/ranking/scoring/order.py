"""Who comes first: fit, the chance of a yes, room, variety, and now and then a newcomer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.columns import Frame
from imatch.ranking.pool.layout import popcount
from imatch.ranking.scoring.criteria import Rows, Scores

TOP = 60  # within which variety is weighed
OUTCOMES = 8  # fewer make a newcomer
NEWCOMERS = 20  # at most take part in a draw
GRID = 256  # points of the integral over Beta densities


@dataclass(frozen=True, slots=True)
class Policy:
    """How much the order departs from fit for the good of the market."""

    diversity: float = 0.15  # taken off for full likeness to somebody already chosen
    newcomer_share: float = 0.30  # of requests, in which the last place goes to a newcomer


@dataclass(frozen=True, slots=True)
class Placed:
    """Candidates in order, and how the last place was filled."""

    places: list[int]  # indices into the candidates
    newcomer: int | None  # the index of the one placed as a newcomer
    propensities: dict[int, float]


def order_scores(
    fits: Scores, accept: NDArray[np.float32], occupancy: NDArray[np.float32], prices: Scores
) -> Scores:
    """Both sides: fit · accept^.5 · (1 - occupancy)^.5 - price of exposure."""
    room = np.maximum(1 - occupancy.astype(np.float64), 0)
    return np.round(fits * np.sqrt(accept.astype(np.float64)) * np.sqrt(room) - prices, 9)


def place(
    frame: Frame, rows: Rows, fits: Scores, scores: Scores, *, count: int, seed: int, policy: Policy
) -> Placed:
    """The first `count` by score with variety, the last of at least three perhaps a newcomer."""
    ids = frame.columns["id"][rows]
    ranked = np.lexsort((ids, -scores))
    chosen = _varied(frame, rows, ranked, scores, count, policy.diversity)
    propensities = dict.fromkeys(chosen, 1.0)
    if len(chosen) < count or count < 3 or not policy.newcomer_share:  # noqa: PLR2004 -- of three places
        return Placed(chosen, None, propensities)
    eligible = _newcomers(frame, rows, fits, ranked, set(chosen))
    if not len(eligible):
        return Placed(chosen, None, propensities)
    random = np.random.default_rng(seed)
    if random.random() >= policy.newcomer_share:
        propensities[chosen[-1]] = 1 - policy.newcomer_share
        return Placed(chosen, None, propensities)
    chances = _chances_of_best(frame, rows[eligible])
    drawn = int(random.choice(len(eligible), p=chances))
    newcomer = int(eligible[drawn])
    propensities.pop(chosen[-1])
    propensities[newcomer] = policy.newcomer_share * float(chances[drawn])
    return Placed([*chosen[:-1], newcomer], newcomer, propensities)


def _varied(
    frame: Frame, rows: Rows, ranked: NDArray[np.intp], scores: Scores, count: int, penalty: float
) -> list[int]:
    """Maximal marginal relevance: score minus a penalty for likeness to somebody chosen."""
    head, tail = ranked[:TOP], ranked[TOP:]
    if not penalty or not len(head):
        return [int(i) for i in ranked[:count]]
    traits = _traits(frame, rows[head])
    sizes = popcount(traits)
    likeness = np.zeros(len(head))
    left = scores[head].copy()
    chosen: list[int] = []
    for _ in range(min(count, len(head))):
        best = int(np.argmax(left - penalty * likeness))
        chosen.append(int(head[best]))
        left[best] = -np.inf
        shared = popcount(traits & traits[best])
        alike = shared / np.maximum(sizes + sizes[best] - shared, 1)
        likeness = np.maximum(likeness, alike)
    return chosen + [int(i) for i in tail[: count - len(chosen)]]


def _traits(frame: Frame, rows: Rows) -> NDArray[np.uint64]:
    """What people state by vocabulary, side by side: likeness is the share in common."""
    taken = frame.taken(rows)
    return np.hstack([taken[name] for name in frame.columns if name.startswith("set:")])


def _newcomers(
    frame: Frame, rows: Rows, fits: Scores, ranked: NDArray[np.intp], chosen: set[int]
) -> NDArray[np.intp]:
    """Candidates with few outcomes and a fit above the median, the best-placed ones."""
    columns = frame.columns
    outcomes = np.maximum(columns["invites"][rows], columns["completed"][rows])
    outcomes = np.maximum(outcomes, columns["rating_count"][rows])
    able: NDArray[np.bool_] = (outcomes < OUTCOMES) & (fits > _median(fits))
    able[list(chosen)] = False
    found: NDArray[np.intp] = ranked[able[ranked]][:NEWCOMERS]
    return found


def _median(values: Scores) -> float:
    ordered = np.sort(values)
    return float(ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2


def _chances_of_best(frame: Frame, rows: Rows) -> Scores:
    """The chance that each one's sample is the largest, were each drawn from Beta(1 + yes, 1 + no).

    Integrated on a grid, so that the propensity that is stored is the one that was used.
    """
    yes = frame.columns["accepts"][rows].astype(np.float64)
    no = np.maximum(frame.columns["invites"][rows] - yes, 0)
    points = (np.arange(GRID) + 0.5) / GRID
    density = points ** yes[:, None] * (1 - points) ** no[:, None]
    density /= density.sum(axis=1, keepdims=True)
    below = np.maximum(np.cumsum(density, axis=1) - density / 2, 1e-12)
    others = np.exp(np.log(below).sum(axis=0) - np.log(below))
    chances = (density * others).sum(axis=1)
    return chances / chances.sum()  # type: ignore[no-any-return]  # numpy says Any
