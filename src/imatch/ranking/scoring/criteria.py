"""The criteria: how well each candidate meets each part of a need, 0..1, NaN where unknown.

Sources of the formulae: the design's universal criteria. A criterion is a weighted mean of its
parts. A part that is unknown for a candidate is replaced by the mean of the known ones; a part that
is unknown for all candidates is left out. All results have the shape (candidates,).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CriterionKind
from imatch.ranking.fit import SCORE_UNITS, units
from imatch.ranking.pool.layout import EARTH_RADIUS_KM, UNKNOWN_STYLE, Words, has_bits, popcount
from imatch.ranking.pool.records import RATING_UNITS
from imatch.ranking.pool.snapshots import GatheredRows, Snapshot
from imatch.ranking.query import TIME_ZONE, Query

Scores = NDArray[np.float64]

HALF_DISTANCE_KM = 25.0
HALF_RESPONSE_HOURS = 24.0
HALF_FRESHNESS_DAYS = 30.0
RATING_PRIOR = 8  # ratings at the pool's mean, added to each provider's
REPEAT_PRIOR = 4  # engagements at the pool's rate of repeat clients
SUFFICIENT_WINDOWS = 2  # shared weekly times that give the full score
STATED_CREDENTIAL_SCORE = 0.7  # of a credential that is stated but not verified
URGENCY_WEIGHTS = {"immediate": 1.0, "this_week": 0.5, "this_month": 0.2}
DEFAULT_URGENCY_WEIGHT = 0.1
MAX_STYLE = 3
BEST_PERCENTILE = 95


def blend(parts: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """The weighted mean of parts, each 0..1 or NaN. NaN where all parts are unknown."""
    size = len(next(iter(parts.values())))
    total, blended, any_known = 0.0, np.zeros(size), np.zeros(size, np.bool_)
    for name, part in parts.items():
        known = ~np.isnan(part)
        if not weights[name]:
            continue
        if known.all():
            blended += weights[name] * part
            total += weights[name]
            any_known = known
        elif known.any():
            blended += weights[name] * np.where(known, part, _mean(part[known]))
            total += weights[name]
            any_known = any_known | known
    return np.where(any_known, blended / (total or 1.0), np.nan)


def _mean(values: Scores) -> float:
    """A mean that does not depend on the order of rows: it sums integer ten-thousandths."""
    return float(units(values).sum()) / (len(values) * SCORE_UNITS)


def unknown(like: NDArray[Any]) -> Scores:
    return np.full(len(like), np.nan)


# The design's share for vectors goes to stated and inferred topics.
EXPERTISE_WEIGHTS = {
    "words": 0.20,
    "topics": 0.35,
    "inferred": 0.30,
    "past": 0.05,
    "experience": 0.10,
}
TRACK_WEIGHTS = {"rating": 0.5, "completed": 0.2, "repeat": 0.15, "freshness": 0.15}


def logistics_weights(query: Query) -> dict[str, float]:
    urgency = URGENCY_WEIGHTS.get(query.urgency, DEFAULT_URGENCY_WEIGHT)
    return {"place": 0.4, "format": 0.3, "times": 0.2, "response": 0.3 * urgency}


def distances_km(place: NDArray[np.float32], points: NDArray[np.float32]) -> Scores:
    """Great-circle distances from `place` to points of the unit sphere; NaN where unknown."""
    half_chord: Scores = np.sqrt(((points.astype(np.float64) - place) ** 2).sum(axis=1)) / 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(half_chord, 1))


def offers(gathered: GatheredRows, query: Query, format_name: str) -> NDArray[np.bool_]:
    """Which providers offer this format."""
    if format_name not in query.layout.formats.positions:
        return np.zeros(len(gathered["id"]), np.bool_)
    return has_bits(gathered["set:formats"], query.layout.formats.mask([format_name]), every=True)


def logistics_parts(gathered: GatheredRows, query: Query) -> dict[str, Scores]:
    """The parts of logistics, 0..1.

    - place = 2^(-km/25), or 1 if both sides accept remote
    - format = 1 if offered, else 0
    - times = shared weekly times / min(wanted, 2), at most 1, converted between time zones
    - response = 2^(-hours/24); its weight depends on the urgency
    """
    parts: dict[str, Scores] = {}
    remote, in_person = offers(gathered, query, "remote"), offers(gathered, query, "in_person")
    if query.format != "remote" and query.place is not None:
        closeness = np.exp2(-distances_km(query.place, gathered["place"]) / HALF_DISTANCE_KM)
        closeness = np.where(in_person, closeness, 0.0)
        parts["place"] = np.where(remote, 1.0, closeness) if query.format == "either" else closeness
    if query.format != "either":
        parts["format"] = (remote if query.format == "remote" else in_person).astype(np.float64)
    if query.windows.any():
        wanted = int(popcount(query.windows))
        shared = popcount(gathered["windows"] & _windows(gathered, query))
        stated = gathered["windows"].any(axis=1)
        share = np.minimum(shared / min(wanted, SUFFICIENT_WINDOWS), 1.0)
        parts["times"] = np.where(stated, share, np.nan)
    if parts or query.urgency in URGENCY_WEIGHTS:
        parts["response"] = np.exp2(
            -gathered["response_hours"].astype(np.float64) / HALF_RESPONSE_HOURS
        )
    return parts


def _windows(gathered: GatheredRows, query: Query) -> Words:
    """The wanted weekly times, in each row's time zone if both are known."""
    by_zone = query.windows_by_zone
    return query.windows if by_zone is None else by_zone[gathered[f"ordinal:{TIME_ZONE}"]]


def track_parts(snapshot: Snapshot, gathered: GatheredRows, query: Query) -> dict[str, Scores]:
    """The parts of the track record, 0..1.

    - rating = ((Σr + 8μ)/(n + 8) - 1)/4, μ being the pool's mean rating
    - completed = log1p(n)/log1p(95th percentile)
    - repeat = (repeat clients + 4·rate)/(completed + 4), rate being that of the candidates
    - freshness = 2^(-days since active/30)
    """
    totals = snapshot.totals
    mean = totals["rating_points"] / RATING_UNITS / max(totals["rating_count"], 1)
    count, completed = gathered["rating_count"], gathered["completed"]
    rating = (
        (gathered["rating_points"] / RATING_UNITS + RATING_PRIOR * mean) / (count + RATING_PRIOR)
        - 1
    ) / 4
    pool_rate = gathered["repeat"].sum() / max(int(completed.sum()), 1)
    repeat = (gathered["repeat"] + REPEAT_PRIOR * pool_rate) / (completed + REPEAT_PRIOR)
    days = np.maximum(query.today.toordinal() - gathered["last_active"], 0)
    return {
        "rating": np.where(count > 0, rating, np.nan),
        "completed": share_of_best_percentile(completed),
        "repeat": np.where(completed > 0, np.minimum(repeat, 1), np.nan),
        "freshness": np.where(
            gathered["last_active"] > 0, np.exp2(-days / HALF_FRESHNESS_DAYS), np.nan
        ),
    }


def share_of_best_percentile(counts: NDArray[np.integer]) -> Scores:
    """log1p(n) / log1p(95th percentile, or the maximum if that is 0), at most 1; NaN if n is 0."""
    positive = counts > 0
    if not positive.any():
        return unknown(counts)
    best = percentile(counts, BEST_PERCENTILE) or float(counts.max())
    return np.where(
        positive, np.minimum(np.log1p(np.maximum(counts, 0)) / np.log1p(best), 1), np.nan
    )


def percentile(counts: NDArray[np.integer], percent: int) -> float:
    """The count at this percentile, at least 0."""
    index = min(len(counts) * percent // 100, len(counts) - 1)
    return max(float(np.partition(counts, index)[index]), 0.0)


def _overlap(gathered: GatheredRows, query: Query, name: str) -> Scores:
    """The share of the wanted values that each provider states."""
    wanted = query.wanted[name]
    if not wanted.count:
        return unknown(gathered["id"])
    hits = matched(gathered, wanted.masks)
    return np.where(stated(gathered, wanted.masks), hits / wanted.count, np.nan)


def matched(gathered: GatheredRows, masks: Mapping[str, NDArray[np.uint64]]) -> NDArray[np.int64]:
    """The number of wanted values that each row states."""
    hits = np.zeros(len(gathered["id"]), np.int64)
    for name, mask in masks.items():
        for word in np.flatnonzero(mask):
            hits += np.bitwise_count(gathered[f"set:{name}"][:, word] & mask[word])
    return hits


def stated(gathered: GatheredRows, masks: Mapping[str, NDArray[np.uint64]]) -> NDArray[np.bool_]:
    """Which rows state anything in these fields."""
    any_stated = np.zeros(len(gathered["id"]), np.bool_)
    for name in masks:
        any_stated |= gathered[f"set:{name}"].any(axis=1)
    return any_stated


def _style(gathered: GatheredRows, query: Query, _: str) -> Scores:
    """The mean of 1 - distance / largest possible distance, over the scales both sides set."""
    if not query.style:
        return unknown(gathered["id"])
    scales = list(query.style)
    wanted = np.array([query.style[scale] for scale in scales], np.float64)
    offered = gathered["style"][:, scales].astype(np.float64)
    known = offered != UNKNOWN_STYLE
    closeness = 1 - np.abs(offered - wanted) / (MAX_STYLE + np.abs(wanted))
    counts = known.sum(axis=1)
    total = np.where(known, closeness, 0).sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _pricing(gathered: GatheredRows, query: Query, _: str) -> Scores:
    """1 within the budget, falling linearly to 0 at 25 % above it."""
    if query.budget is None:
        return unknown(gathered["id"])
    return query.budget.score(gathered.snapshot.prices_in(query.budget.unit)[gathered.rows])


def _certification(gathered: GatheredRows, query: Query, name: str) -> Scores:
    """If wanted: the mean of 1 verified, .7 stated, 0 neither. Else 1 - ½^(verified + stated/2)."""
    verified = popcount(gathered["verified"])
    listed = popcount(gathered["credentials"] | gathered["verified"])
    wanted = query.wanted[name]
    if not wanted.count:
        unverified = np.maximum(listed, _stated_count(gathered, query, name)) - verified
        return np.where(listed + unverified > 0, 1 - np.exp2(-(verified + unverified / 2)), np.nan)
    proof = query.layout.credential_set.mask(wanted.values)
    checked = popcount(gathered["verified"] & proof)
    stated_count = np.maximum(matched(gathered, wanted.masks), checked)
    any_listed = stated(gathered, wanted.masks) | (listed > 0)
    return np.where(
        any_listed,
        (checked + STATED_CREDENTIAL_SCORE * (stated_count - checked)) / wanted.count,
        np.nan,
    )


def _stated_count(gathered: GatheredRows, query: Query, name: str) -> NDArray[np.int64]:
    """The number of designations that each row states in the criterion's provider fields."""
    total = np.zeros(len(gathered["id"]), np.int64)
    for provider_field in query.layout.definition.criteria[name].provider:
        if provider_field in query.layout.sets:
            total += popcount(gathered[f"set:{provider_field}"])
    return total


SIMPLE_CRITERIA = {
    CriterionKind.OVERLAP: _overlap,
    CriterionKind.STYLE: _style,
    CriterionKind.PRICING: _pricing,
    CriterionKind.CERTIFICATION: _certification,
}
