"""Candidate selection: about 500 rows of those that pass the gates, by cheap scores."""

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CriterionKind
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.query import Query
from imatch.ranking.scoring.expertise import MAX_POSTINGS
from imatch.ranking.types import Rows

DEPTH = 500  # candidates
GATHER_BELOW_SHARE = 0.3  # of the pool; below it, gathering rows is faster than scanning


def candidates(snapshot: Snapshot, passes: NDArray[np.bool_], query: Query, depth: int) -> Rows:
    """The rows to score in full, ascending, at most `depth`. Ties go to the lower provider id."""
    rows = np.flatnonzero(passes)
    if len(rows) <= depth:
        return rows
    if len(rows) < snapshot.size * GATHER_BELOW_SHARE:
        cheap = _cheap_scores(snapshot, rows, query)
    else:  # scanning all rows is faster than gathering most of them
        cheap = _cheap_scores(snapshot, None, query)
        np.copyto(cheap, -1, where=~passes)
        rows = np.arange(snapshot.size)
    threshold = np.partition(cheap, len(cheap) - depth)[len(cheap) - depth]
    above = np.flatnonzero(cheap > threshold)
    tied = np.flatnonzero(cheap == threshold)
    by_id = np.argsort(snapshot.columns["id"][rows[tied]])[: depth - len(above)]
    return np.sort(rows[np.concatenate([above, tied[by_id]])])


def _cheap_scores(snapshot: Snapshot, rows: Rows | None, query: Query) -> NDArray[np.float32]:
    """Rough BM25, wanted values stated, and price, each with the category's weights."""
    definition = query.layout.definition
    score = snapshot.documents.rough_scores(query.term_weights, MAX_POSTINGS)
    score = score if rows is None else score.take(rows)
    expertise = definition.criteria["expertise_match"].weight
    score *= np.float32(0.5 * expertise / max(float(score.max()), 1e-6))
    for name, wanted in query.wanted.items():
        if wanted.count:
            share = 0.5 if definition.kind_of(name) is CriterionKind.EXPERTISE else 1.0
            weight = np.float32(share * definition.criteria[name].weight / wanted.count)
            for column, mask in wanted.masks.items():
                for word in np.flatnonzero(mask):
                    words = snapshot.columns[f"set:{column}"][:, word]
                    words = words if rows is None else words.take(rows)
                    bits = words & words.dtype.type(mask[word])
                    score += np.bitwise_count(bits) * weight
    pricing = definition.criteria.get("pricing_alignment")
    if query.budget is not None and pricing is not None:
        prices = snapshot.prices_in(query.budget.unit)
        fits = (prices if rows is None else prices.take(rows)) <= query.budget.high_cents
        score += fits * np.float32(pricing.weight)
    return score
