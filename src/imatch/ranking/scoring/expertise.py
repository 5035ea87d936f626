"""Expertise: own words, topics stated and inferred, similar requests taken, years.

What measured best on real requests, without vectors: topics count most; those of the 20 nearest
earlier requests, weighed by a softmax of their similarity, stand in where a seeker names none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.columns import Frame, Taken
from imatch.ranking.pool.layout import WORD_BITS, Words
from imatch.ranking.query import Asked
from imatch.ranking.scoring.criteria import Rows, Scores, against_usual_best, unknown

MOST_POSTINGS = 30_000  # read to find candidates; commoner words wait for the exact pass
NEAR_REQUESTS = 100  # whose takers are credited
TOPIC_REQUESTS = 20  # whose topics are inferred
LOOKED_AT = 400  # requests scored exactly
SOFTNESS = 0.1  # of the softmax over similarities
TEXT_FLOOR = 0.12  # of the ceiling of BM25: a pool's best text below it counts less than 1
TOPIC_FLOOR = 0.5  # a pool's best below half of what all could offer together counts less than 1


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Earlier requests that are like this one, the most similar first."""

    rows: NDArray[np.int64]
    similarity: Scores  # 0..1, the nearest is 1
    places: NDArray[np.int64]  # from 0; a request that several people took has one place


def neighbours(frame: Frame, asked: Asked) -> Neighbours:
    """The nearest earlier requests of live providers, by BM25."""
    view, query = frame.requests, asked.request_query
    rows = top(view.rough(query, MOST_POSTINGS), LOOKED_AT)
    rows = rows[frame.live[frame.request_owner[rows]]]
    if not len(rows):
        return Neighbours(rows, np.empty(0), rows)
    exact = view.exact(query, rows)
    texts = frame.request_text[rows]
    order = np.lexsort((frame.columns["id"][frame.request_owner[rows]], texts, -exact))
    texts = texts[order]
    places = np.cumsum(np.concatenate([[0], texts[1:] != texts[:-1]]))
    return Neighbours(rows[order], exact[order] / exact.max(), places)


def top(scores: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """The rows of the highest scores above 0."""
    some = np.flatnonzero(scores > 0)
    if len(some) <= most:
        return some
    return some[np.argpartition(scores[some], len(some) - most)[len(some) - most :]]


def parts_of(frame: Frame, rows: Rows, taken: Taken, asked: Asked) -> dict[str, Scores]:
    """The parts of expertise for candidate rows, 0..1, NaN where unknown."""
    near = neighbours(frame, asked)
    strength = _strength(taken, asked)
    return {
        "words": words_part(frame, rows, asked.query),
        "topics": _share_of_best(strength, _wanted_topics(asked)),
        "inferred": _share_of_best(strength, _inferred_topics(frame, asked, near)),
        "past": _past(frame, rows, taken, near),
        "experience": _experience(taken),
    }


def words_part(frame: Frame, rows: Rows, query: Mapping[int, float]) -> Scores:
    """BM25 against each provider's own words, as a share of the best in the pool."""
    if not query:
        return unknown(rows)
    view = frame.documents
    scores = view.exact(query, rows)
    return scores / max(float(scores.max()), TEXT_FLOOR * view.ceiling(query))


def _strength(taken: Taken, asked: Asked) -> Scores:
    """log1p(requests taken of each topic); a stated topic counts as one taken at least."""
    layout = asked.layout
    strength = taken["counts"].astype(np.float64)
    for name, places in layout.topic_places.items():
        bits = unpacked(taken[f"set:{name}"])[:, : len(places)]
        strength[:, places] = np.maximum(strength[:, places], bits)
    return np.log1p(strength)


def unpacked(words: Words) -> NDArray[np.uint8]:
    """Bits as 0 and 1, one column a value."""
    flat = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    bits = np.unpackbits(flat, bitorder="little")
    return bits.reshape(len(words), words.shape[1] * WORD_BITS)


def _wanted_topics(asked: Asked) -> Scores:
    wanted = asked.wanted.get("expertise_match")
    return asked.layout.topic_weights(wanted.values if wanted else ())


def _inferred_topics(frame: Frame, asked: Asked, near: Neighbours) -> Scores:
    """Topics of the most similar requests, weighed by a softmax of their similarity.

    Until there are any: topics whose names stand in the need.
    """
    _, firsts = np.unique(near.places, return_index=True)
    firsts = firsts[:TOPIC_REQUESTS]
    layout = asked.layout
    topics = unpacked(frame.request_topics[near.rows[firsts]])[:, : len(layout.topics.labels)]
    if topics.any():
        weights = np.exp((near.similarity[firsts] - 1) / SOFTNESS)
        inferred: Scores = weights @ topics / weights.sum()
        return inferred
    named = [v for v, words in layout.topic_stems.items() if words and words <= asked.stems]
    return layout.topic_weights(named)


def _past(frame: Frame, rows: Rows, taken: Taken, near: Neighbours) -> Scores:
    """Σ of the similarities of near requests that one took, as a share of the pool's best."""
    credited = near.places < NEAR_REQUESTS
    takers = frame.request_owner[near.rows[credited]]
    places = np.minimum(np.searchsorted(rows, takers), len(rows) - 1)
    here = rows[places] == takers
    votes = np.bincount(places[here], near.similarity[credited][here], minlength=len(rows))
    best = votes.max(initial=0)
    return np.where(taken["past"] > 0, votes / best, np.nan) if best > 0 else unknown(rows)


def _experience(taken: Taken) -> Scores:
    """The mean of what is known of: requests completed here, years of practice.

    Each as log1p over that of the 95th percentile.
    """
    completed, years = against_usual_best(taken["completed"]), against_usual_best(taken["years"])
    known = (~np.isnan(completed)).astype(np.int64) + ~np.isnan(years)
    total = np.where(np.isnan(completed), 0, completed) + np.where(np.isnan(years), 0, years)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def _share_of_best(strength: Scores, weights: Scores) -> Scores:
    """Σ_t w_t · strength_jt as a share of the largest such sum in the pool.

    If nobody reaches half of what the strongest of each topic would make together: of that half.
    """
    sums = strength @ weights
    together = float(strength.max(axis=0, initial=0) @ weights)
    best = max(float(sums.max()), TOPIC_FLOOR * together)
    return np.where(strength.any(axis=1), sums / best, np.nan) if best > 0 else unknown(sums)
