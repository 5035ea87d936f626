"""The cut: about 500 candidates of all who pass the gates, by what is cheap to compare."""

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CriterionKind
from imatch.ranking.pool.columns import Frame
from imatch.ranking.query import Asked
from imatch.ranking.scoring.criteria import Rows
from imatch.ranking.scoring.expertise import MOST_POSTINGS

DEPTH = 500
FEW = 0.3  # of the pool: fewer are gathered, instead of reading everyone


def candidates(frame: Frame, passes: NDArray[np.bool_], asked: Asked, depth: int) -> Rows:
    """The rows to score in full, in the order of the rows. Ties go by the provider's id."""
    rows = np.flatnonzero(passes)
    if len(rows) <= depth:
        return rows
    if len(rows) < frame.size * FEW:
        cheap = _cheap_scores(frame, rows, asked)
    else:  # reading everyone is quicker than gathering most
        cheap = _cheap_scores(frame, None, asked)
        np.copyto(cheap, -1, where=~passes)
        rows = np.arange(frame.size)
    edge = np.partition(cheap, len(cheap) - depth)[len(cheap) - depth]
    sure = np.flatnonzero(cheap > edge)
    tied = np.flatnonzero(cheap == edge)
    by_id = np.argsort(frame.columns["id"][rows[tied]])[: depth - len(sure)]
    return np.sort(rows[np.concatenate([sure, tied[by_id]])])


def _cheap_scores(frame: Frame, rows: Rows | None, asked: Asked) -> NDArray[np.float32]:
    """Words (rough BM25), wanted values stated, and price, with the category's weights."""
    definition = asked.layout.definition
    score = frame.documents.rough(asked.query, MOST_POSTINGS)
    score = score if rows is None else score.take(rows)
    expertise = definition.criteria["expertise_match"].weight
    score *= np.float32(0.5 * expertise / max(float(score.max()), 1e-6))
    for name, wanted in asked.wanted.items():
        if wanted.count:
            share = 0.5 if definition.kind_of(name) is CriterionKind.EXPERTISE else 1.0
            weight = np.float32(share * definition.criteria[name].weight / wanted.count)
            for column, mask in wanted.masks.items():
                for word in np.flatnonzero(mask):
                    held = frame.columns[f"set:{column}"][:, word]
                    held = held if rows is None else held.take(rows)
                    bits = held & held.dtype.type(mask[word])
                    score += np.bitwise_count(bits) * weight
    pricing = definition.criteria.get("pricing_alignment")
    if asked.budget is not None and pricing is not None:
        prices = frame.prices_in(asked.budget.unit)
        fits = (prices if rows is None else prices.take(rows)) <= asked.budget.high_cents
        score += fits * np.float32(pricing.weight)
    return score
