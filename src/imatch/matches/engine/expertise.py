"""Expertise: own words, stated topics, topics inferred from similar requests, requests taken, years."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imatch.matches.engine.asked import Asked
from imatch.matches.engine.criteria import Rows, Scores, against_usual_best
from imatch.matches.engine.layout import WORD_BITS
from imatch.matches.engine.store import Frame

MOST_POSTINGS = (
    150_000  # read per request to find candidates; commoner words wait for the exact pass
)
NEAR_REQUESTS = 40  # whose takers are credited
TOPIC_REQUESTS = 20  # whose topics are inferred
LOOKED_AT = 400  # requests scored exactly
SOFTNESS = 0.1  # of the softmax over similarities
LEAST_SIMILAR = 0.05
TEXT_FLOOR = 0.12  # of the ceiling of BM25: a pool's best text below it counts less than 1
TOPIC_FLOOR = 0.5  # a pool's best overlap below half of the topics counts less than 1


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Earlier requests that are like this one."""

    rows: NDArray[np.int64]
    similarity: Scores  # 0..1


def neighbours(frame: Frame, asked: Asked) -> Neighbours:
    """The nearest earlier requests of live providers, by BM25 as a share of the request's own score."""
    view = frame.requests
    query = view.query(asked.words)
    if not query or not view.live:
        return Neighbours(np.empty(0, np.int64), np.empty(0))
    rough = view.rough(query, MOST_POSTINGS)
    rough[~frame.live[frame.request_owner[: view.size]]] = 0
    rows = top(rough, LOOKED_AT)
    exact = view.exact(query, rows)
    similarity = np.minimum(exact / (0.5 * view.ceiling(query)), 1.0).astype(np.float64)
    order = np.lexsort((frame.columns["id"][frame.request_owner[rows]], -similarity))
    return Neighbours(rows[order], similarity[order])


def top(scores: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """The rows of the highest scores above 0."""
    some = np.flatnonzero(scores > 0)
    if len(some) <= most:
        return some
    return some[np.argpartition(-scores[some], most)[:most]]


def parts_of(frame: Frame, rows: Rows, asked: Asked) -> dict[str, Scores]:
    """The parts of expertise for candidate rows, 0..1, NaN where unknown."""
    near = neighbours(frame, asked)
    return {
        "words": words_part(frame, rows, asked.words),
        "topics": _topics(frame, rows, asked),
        "inferred": _inferred(frame, rows, asked, near),
        "past": _past(frame, rows, near),
        "experience": _experience(frame, rows),
    }


def words_part(frame: Frame, rows: Rows, words: Mapping[str, float]) -> Scores:
    """BM25 of the need against each provider's own words, as a share of the best in the pool."""
    view = frame.documents
    query = view.query(words)
    if not query:
        return np.full(len(rows), np.nan)
    scores = view.exact(query, rows).astype(np.float64)
    return scores / max(float(scores.max(initial=0)), TEXT_FLOOR * view.ceiling(query))


def _topics(frame: Frame, rows: Rows, asked: Asked) -> Scores:
    """Σ over wanted topics of their strength, as a share of the pool's best."""
    wanted = asked.wanted.get("expertise_match")
    if wanted is None or not wanted.count:
        return np.full(len(rows), np.nan)
    strength = _strength(frame, rows, asked)
    places = [
        asked.layout.topics.positions[v]
        for v in wanted.values
        if v in asked.layout.topics.positions
    ]
    return _share_of_best(strength[:, places].sum(axis=1) / wanted.count)


def _strength(frame: Frame, rows: Rows, asked: Asked) -> Scores:
    """How much each provider stands for each topic: (1 + log1p(requests)) / (1 + log1p(most)), 0 if
    neither stated nor taken."""
    counts = frame.columns["counts"][rows].astype(np.float64)
    stated = _stated(frame, rows, asked)
    logs = np.where(stated | (counts > 0), 1 + np.log1p(counts), 0.0)
    return logs / np.maximum(logs.max(axis=0, initial=0), 1.0)


def _stated(frame: Frame, rows: Rows, asked: Asked) -> NDArray[np.bool_]:
    layout = asked.layout
    stated = np.zeros((len(rows), len(layout.topics.labels)), np.bool_)
    for name in layout.topic_fields:
        bits = unpacked(frame.columns[f"set:{name}"][rows])
        values = layout.sets[name].positions
        stated[:, [layout.topics.positions[v] for v in values]] |= bits[:, : len(values)]
    return stated


def unpacked(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Bits as booleans, one column a value."""
    flat = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
    bits = np.unpackbits(flat, bitorder="little").reshape(len(words), words.shape[1] * WORD_BITS)
    return bits.astype(np.bool_)


def _inferred(frame: Frame, rows: Rows, asked: Asked, near: Neighbours) -> Scores:
    """Topics of the most similar requests, weighed by their similarity, times each one's strength."""
    picked = near.rows[:TOPIC_REQUESTS]
    topics = unpacked(frame.request_topics[picked])[:, : len(asked.layout.topics.labels)]
    if not topics.any():
        return np.full(len(rows), np.nan)
    weights = np.exp((near.similarity[:TOPIC_REQUESTS] - near.similarity[0]) / SOFTNESS)
    topic_weights = (weights[:, None] * topics).sum(axis=0) / weights.sum()
    return _share_of_best(_strength(frame, rows, asked) @ topic_weights)


def _past(frame: Frame, rows: Rows, near: Neighbours) -> Scores:
    """Σ of the similarities of near requests that a provider took, as a share of the pool's best."""
    owners = frame.request_owner
    has_past = np.isin(rows, owners)
    if not has_past.any():
        return np.full(len(rows), np.nan)
    gain = np.maximum(near.similarity[:NEAR_REQUESTS] - LEAST_SIMILAR, 0)
    votes = np.bincount(owners[near.rows[:NEAR_REQUESTS]], gain, minlength=frame.size)[rows]
    best = votes.max(initial=0)
    return np.where(has_past, votes / best, np.nan) if best > 0 else np.full(len(rows), np.nan)


def _experience(frame: Frame, rows: Rows) -> Scores:
    """The mean of what is known of: requests completed here, years of practice; log1p over the 95th
    percentile."""
    both = np.stack(
        [
            against_usual_best(frame.columns["completed"][rows]),
            against_usual_best(frame.columns["years"][rows]),
        ]
    )
    known = ~np.isnan(both)
    counts = known.sum(axis=0)
    total = np.where(known, both, 0).sum(axis=0)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _share_of_best(values: Scores) -> Scores:
    return values / max(float(values.max(initial=0)), TOPIC_FLOOR) if len(values) else values
