"""The cut: about 500 candidates out of everyone who passes the gates, by what is cheap to compare."""

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CriterionKind
from imatch.matches.engine import prices
from imatch.matches.engine.asked import Asked
from imatch.matches.engine.criteria import Rows, matched
from imatch.matches.engine.expertise import MOST_POSTINGS
from imatch.matches.engine.store import Frame

DEPTH = 500


def candidates(frame: Frame, passes: NDArray[np.bool_], asked: Asked, depth: int) -> Rows:
    """The rows to score in full, in the order of the rows. Ties go by the provider's id."""
    rows = np.flatnonzero(passes)
    if len(rows) <= depth:
        return rows
    cheap = _cheap_scores(frame, rows, asked)
    edge = np.partition(cheap, len(cheap) - depth)[len(cheap) - depth]
    sure = np.flatnonzero(cheap > edge)
    tied = np.flatnonzero(cheap == edge)
    ids = frame.columns["id"][rows[tied]]
    more = tied[np.argsort(ids)[: depth - len(sure)]]
    return np.sort(rows[np.concatenate([sure, more])])


def _cheap_scores(frame: Frame, rows: Rows, asked: Asked) -> NDArray[np.float32]:
    """Words (rough BM25), wanted values stated, place and price, with the category's weights."""
    rough = frame.documents.rough(asked.query, MOST_POSTINGS)[rows]
    layout, definition = asked.layout, asked.layout.definition
    best = max(float(rough.max()), 1e-6)
    score = rough * np.float32(0.5 * definition.criteria["expertise_match"].weight / best)
    taken = frame.taken(rows)
    for name, wanted in asked.wanted.items():
        if wanted.count:
            share = 0.5 if definition.kind_of(name) is CriterionKind.EXPERTISE else 1.0
            weight = share * definition.criteria[name].weight / wanted.count
            score += matched(taken, wanted.masks) * np.float32(weight)
    if asked.budget is not None and layout.price and "pricing_alignment" in definition.criteria:
        fits = prices.score(asked.budget.excess(taken))
        score += np.nan_to_num(fits, nan=0.5) * definition.criteria["pricing_alignment"].weight
    return score.astype(np.float32)
