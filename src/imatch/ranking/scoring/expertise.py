"""Expertise: own words, stated and inferred topics, similar requests taken, years.

The weights measured best on real requests. Topics count most. Inferred topics are those of the 20
most similar earlier requests, weighted by a softmax of the similarity.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.layout import WORD_BITS, Words
from imatch.ranking.pool.snapshots import GatheredRows, Snapshot
from imatch.ranking.query import Query
from imatch.ranking.scoring.criteria import Scores, share_of_best_percentile, unknown
from imatch.ranking.types import Rows

MAX_POSTINGS = 30_000  # read to find candidates; more common words are scored only exactly
NEAR_REQUESTS = 100  # nearest requests whose takers are credited
TOPIC_REQUESTS = 20  # nearest requests whose topics are inferred
EXACT_REQUESTS = 400  # requests scored exactly
SOFTMAX_TEMPERATURE = 0.1  # of the softmax over similarities
TEXT_FLOOR = 0.12  # of the BM25 upper bound; a pool's best text below it scores less than 1
TOPIC_FLOOR = 0.5  # of the combined best; a pool's best below it scores less than 1


@dataclass(frozen=True, slots=True)
class NearestRequests:
    """Earlier requests, the most similar first."""

    rows: NDArray[np.int64]
    similarity: Scores  # 0..1, the nearest is 1
    ranks: NDArray[np.int64]  # from 0; equal requests taken by several providers share a rank


def nearest_requests(snapshot: Snapshot, query: Query) -> NearestRequests:
    """The most similar earlier requests of live providers, by BM25."""
    view, term_weights = snapshot.requests, query.request_term_weights
    rows = top_rows(view.rough_scores(term_weights, MAX_POSTINGS), EXACT_REQUESTS)
    rows = rows[snapshot.live[snapshot.request_owner[rows]]]
    if not len(rows):
        return NearestRequests(rows, np.empty(0), rows)
    exact = view.exact_scores(term_weights, rows)
    texts = snapshot.request_text[rows]
    order = np.lexsort((snapshot.columns["id"][snapshot.request_owner[rows]], texts, -exact))
    texts = texts[order]
    ranks = np.cumsum(np.concatenate([[0], texts[1:] != texts[:-1]]))
    return NearestRequests(rows[order], exact[order] / exact.max(), ranks)


def top_rows(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The rows with the `count` highest scores above 0, unordered."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) <= count:
        return positive
    return positive[
        np.argpartition(scores[positive], len(positive) - count)[len(positive) - count :]
    ]


def parts_of(
    snapshot: Snapshot, rows: Rows, gathered: GatheredRows, query: Query
) -> dict[str, Scores]:
    """The parts of expertise for candidate rows, 0..1, NaN where unknown; shape (rows,)."""
    nearest = nearest_requests(snapshot, query)
    strength = _strength(gathered, query)
    return {
        "words": words_part(snapshot, rows, query.term_weights),
        "topics": _share_of_best(strength, _wanted_topics(query)),
        "inferred": _share_of_best(strength, _inferred_topics(snapshot, query, nearest)),
        "past": _past(snapshot, rows, gathered, nearest),
        "experience": _experience(gathered),
    }


def words_part(snapshot: Snapshot, rows: Rows, term_weights: Mapping[int, float]) -> Scores:
    """BM25 of each provider's own words, as a share of the best candidate's."""
    if not term_weights:
        return unknown(rows)
    view = snapshot.documents
    scores = view.exact_scores(term_weights, rows)
    return scores / max(float(scores.max()), TEXT_FLOOR * view.ceiling(term_weights))


def _strength(gathered: GatheredRows, query: Query) -> Scores:
    """log1p(requests taken); a stated topic counts as at least one. Shape (rows, topics)."""
    layout = query.layout
    strength = gathered["counts"].astype(np.float64)
    for name, positions in layout.topic_positions.items():
        bits = unpacked(gathered[f"set:{name}"])[:, : len(positions)]
        strength[:, positions] = np.maximum(strength[:, positions], bits)
    return np.log1p(strength)


def unpacked(words: Words) -> NDArray[np.uint8]:
    """Bits as 0 and 1; shape (rows, bits)."""
    as_bytes = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    bits = np.unpackbits(as_bytes, bitorder="little")
    return bits.reshape(len(words), words.shape[1] * WORD_BITS)


def _wanted_topics(query: Query) -> Scores:
    wanted = query.wanted.get("expertise_match")
    return query.layout.topic_weights(wanted.values if wanted else ())


def _inferred_topics(snapshot: Snapshot, query: Query, nearest: NearestRequests) -> Scores:
    """Topics of the most similar requests, weighted by a softmax of the similarity.

    Without such requests: topics whose labels occur in the need.
    """
    _, firsts = np.unique(nearest.ranks, return_index=True)
    firsts = firsts[:TOPIC_REQUESTS]
    layout = query.layout
    topics = unpacked(snapshot.request_topics[nearest.rows[firsts]])[:, : len(layout.topics.labels)]
    if topics.any():
        weights = np.exp((nearest.similarity[firsts] - 1) / SOFTMAX_TEMPERATURE)
        inferred: Scores = weights @ topics / weights.sum()
        return inferred
    mentioned = [
        topic for topic, stems in layout.topic_stems.items() if stems and stems <= query.stems
    ]
    return layout.topic_weights(mentioned)


def _past(
    snapshot: Snapshot, rows: Rows, gathered: GatheredRows, nearest: NearestRequests
) -> Scores:
    """Σ of the similarities of the near requests a provider took, as a share of the largest."""
    credited = nearest.ranks < NEAR_REQUESTS
    takers = snapshot.request_owner[nearest.rows[credited]]
    positions = np.minimum(np.searchsorted(rows, takers), len(rows) - 1)
    is_candidate = rows[positions] == takers
    votes = np.bincount(
        positions[is_candidate], nearest.similarity[credited][is_candidate], minlength=len(rows)
    )
    best = votes.max(initial=0)
    return np.where(gathered["past"] > 0, votes / best, np.nan) if best > 0 else unknown(rows)


def _experience(gathered: GatheredRows) -> Scores:
    """The mean of the known ones of: requests completed here, years of practice.

    Each is log1p(n) / log1p(95th percentile).
    """
    completed, years = (
        share_of_best_percentile(gathered["completed"]),
        share_of_best_percentile(gathered["years"]),
    )
    known = (~np.isnan(completed)).astype(np.int64) + ~np.isnan(years)
    total = np.where(np.isnan(completed), 0, completed) + np.where(np.isnan(years), 0, years)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def _share_of_best(strength: Scores, weights: Scores) -> Scores:
    """Σ_t w_t · strength_jt as a share of the largest sum.

    The divisor is at least half of the combined best, Σ_t w_t · max_j strength_jt.
    """
    sums = strength @ weights
    combined_best = float(strength.max(axis=0, initial=0) @ weights)
    best = max(float(sums.max()), TOPIC_FLOOR * combined_best)
    return np.where(strength.any(axis=1), sums / best, np.nan) if best > 0 else unknown(sums)
