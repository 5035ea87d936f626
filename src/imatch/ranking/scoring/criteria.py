"""The criteria: how well each candidate answers each part of a need, 0..1, NaN where unknown.

Sources of the formulae: the design's universal criteria. Units stand with each function. A
criterion is a weighted mean of its parts; a part that a provider leaves unknown stands at the
pool's mean of that part, and a part that nobody is known by is left out.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CriterionKind
from imatch.ranking.fit import SCORE_UNITS, units
from imatch.ranking.pool.columns import Frame, Taken
from imatch.ranking.pool.layout import EARTH_RADIUS_KM, UNKNOWN_STYLE, Words, has_bits, popcount
from imatch.ranking.pool.records import RATING_UNITS
from imatch.ranking.query import TIME_ZONE, Asked

Scores = NDArray[np.float64]
Rows = NDArray[np.int64]

HALF_DISTANCE_KM = 25.0
HALF_RESPONSE_HOURS = 24.0
HALF_FRESHNESS_DAYS = 30.0
RATING_PRIOR = 8  # ratings at the pool's mean, added to everyone's
REPEAT_PRIOR = 4
ENOUGH_WINDOWS = 2  # common weekly times, beyond which more are no better
STATED_ONLY = 0.7  # a credential that is stated, and not verified
URGENCY = {"immediate": 1.0, "this_week": 0.5, "this_month": 0.2}
USUAL_URGENCY = 0.1
STYLE_LIMIT = 3
USUAL_BEST = 95  # percent


def blend(parts: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """The weighted mean of parts. Unknown parts stand at their mean; all unknown is unknown."""
    size = len(next(iter(parts.values())))
    total, blended, anything = 0.0, np.zeros(size), np.zeros(size, np.bool_)
    for name, part in parts.items():
        known = ~np.isnan(part)
        if not weights[name]:
            continue
        if known.all():
            blended += weights[name] * part
            total += weights[name]
            anything = known
        elif known.any():
            blended += weights[name] * np.where(known, part, _mean(part[known]))
            total += weights[name]
            anything = anything | known
    return np.where(anything, blended / (total or 1.0), np.nan)


def _mean(values: Scores) -> float:
    """A mean that does not depend on the order of rows: whole ten-thousandths are summed."""
    return float(units(values).sum()) / (len(values) * SCORE_UNITS)


def unknown(like: NDArray[Any]) -> Scores:
    return np.full(len(like), np.nan)


# Without vectors their share goes to topics, stated and inferred.
EXPERTISE_WEIGHTS = {
    "words": 0.20,
    "topics": 0.35,
    "inferred": 0.30,
    "past": 0.05,
    "experience": 0.10,
}
TRACK_WEIGHTS = {"rating": 0.5, "completed": 0.2, "repeat": 0.15, "freshness": 0.15}


def logistics_weights(asked: Asked) -> dict[str, float]:
    urgency = URGENCY.get(asked.urgency, USUAL_URGENCY)
    return {"place": 0.4, "format": 0.3, "times": 0.2, "response": 0.3 * urgency}


def distances_km(place: NDArray[np.float32], points: NDArray[np.float32]) -> Scores:
    """Great-circle distance from the chord between points of the unit sphere; NaN where unknown."""
    half_chord: Scores = np.sqrt(((points.astype(np.float64) - place) ** 2).sum(axis=1)) / 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(half_chord, 1))


def offers(taken: Taken, asked: Asked, format_name: str) -> NDArray[np.bool_]:
    """Who meets people that way."""
    if format_name not in asked.layout.formats.positions:
        return np.zeros(len(taken["id"]), np.bool_)
    return has_bits(taken["set:formats"], asked.layout.formats.mask([format_name]), every=True)


def logistics_parts(taken: Taken, asked: Asked) -> dict[str, Scores]:
    """Part by part: where, how, when, and how soon they answer.

    place = 2^(-km/25), or 1 where both accept remote · format = offered or not · times = shared
    weekly times by the clocks of both, two are enough · response = 2^(-hours/24), which weighs by
    urgency.
    """
    parts: dict[str, Scores] = {}
    remote, in_person = offers(taken, asked, "remote"), offers(taken, asked, "in_person")
    if asked.format != "remote" and asked.place is not None:
        near = np.exp2(-distances_km(asked.place, taken["place"]) / HALF_DISTANCE_KM)
        near = np.where(in_person, near, 0.0)
        parts["place"] = np.where(remote, 1.0, near) if asked.format == "either" else near
    if asked.format != "either":
        parts["format"] = (remote if asked.format == "remote" else in_person).astype(np.float64)
    if asked.windows.any():
        wanted = int(popcount(asked.windows))
        shared = popcount(taken["windows"] & _windows(taken, asked))
        stated = taken["windows"].any(axis=1)
        enough = np.minimum(shared / min(wanted, ENOUGH_WINDOWS), 1.0)
        parts["times"] = np.where(stated, enough, np.nan)
    if parts or asked.urgency in URGENCY:
        parts["response"] = np.exp2(
            -taken["response_hours"].astype(np.float64) / HALF_RESPONSE_HOURS
        )
    return parts


def _windows(taken: Taken, asked: Asked) -> Words:
    """The weekly times asked for, by each row's clock where both time zones are known."""
    by_zone = asked.windows_by_zone
    return asked.windows if by_zone is None else by_zone[taken[f"ordinal:{TIME_ZONE}"]]


def track_parts(frame: Frame, taken: Taken, asked: Asked) -> dict[str, Scores]:
    """Part by part: what was measured here.

    rating = ((Σr + 8μ)/(n + 8) - 1)/4 · completed = log1p(n)/log1p(95th percentile) ·
    repeat = (repeat clients + 4·usual)/(completed + 4) · freshness = 2^(-days since active/30).
    """
    totals = frame.totals
    mean = totals["rating_points"] / RATING_UNITS / max(totals["rating_count"], 1)
    count, completed = taken["rating_count"], taken["completed"]
    rating = (
        (taken["rating_points"] / RATING_UNITS + RATING_PRIOR * mean) / (count + RATING_PRIOR) - 1
    ) / 4
    usual = taken["repeat"].sum() / max(int(completed.sum()), 1)
    repeat = (taken["repeat"] + REPEAT_PRIOR * usual) / (completed + REPEAT_PRIOR)
    days = np.maximum(asked.today.toordinal() - taken["last_active"], 0)
    return {
        "rating": np.where(count > 0, rating, np.nan),
        "completed": against_usual_best(completed),
        "repeat": np.where(completed > 0, np.minimum(repeat, 1), np.nan),
        "freshness": np.where(
            taken["last_active"] > 0, np.exp2(-days / HALF_FRESHNESS_DAYS), np.nan
        ),
    }


def against_usual_best(counts: NDArray[np.integer]) -> Scores:
    """log1p(n) / log1p(95th percentile, or the most if that is 0), at most 1; NaN where n is 0."""
    some = counts > 0
    if not some.any():
        return unknown(counts)
    best = percentile(counts, USUAL_BEST) or float(counts.max())
    return np.where(some, np.minimum(np.log1p(np.maximum(counts, 0)) / np.log1p(best), 1), np.nan)


def percentile(counts: NDArray[np.integer], percent: int) -> float:
    """The value below which so many percent of the counts lie."""
    place = min(len(counts) * percent // 100, len(counts) - 1)
    return max(float(np.partition(counts, place)[place]), 0.0)


def _overlap(taken: Taken, asked: Asked, name: str) -> Scores:
    """The share of the wanted values that are offered."""
    wanted = asked.wanted[name]
    if not wanted.count:
        return unknown(taken["id"])
    hits = matched(taken, wanted.masks)
    return np.where(stated(taken, wanted.masks), hits / wanted.count, np.nan)


def matched(taken: Taken, masks: Mapping[str, NDArray[np.uint64]]) -> NDArray[np.int64]:
    """How many of the wanted values each row states."""
    hits = np.zeros(len(taken["id"]), np.int64)
    for name, mask in masks.items():
        for word in np.flatnonzero(mask):
            hits += np.bitwise_count(taken[f"set:{name}"][:, word] & mask[word])
    return hits


def stated(taken: Taken, masks: Mapping[str, NDArray[np.uint64]]) -> NDArray[np.bool_]:
    """Whether each row states anything in those fields."""
    some = np.zeros(len(taken["id"]), np.bool_)
    for name in masks:
        some |= taken[f"set:{name}"].any(axis=1)
    return some


def _style(taken: Taken, asked: Asked, _: str) -> Scores:
    """1 - distance / the furthest possible, over the scales that both sides set (-3..3)."""
    if not asked.style:
        return unknown(taken["id"])
    scales = list(asked.style)
    wanted = np.array([asked.style[scale] for scale in scales], np.float64)
    offered = taken["style"][:, scales].astype(np.float64)
    known = offered != UNKNOWN_STYLE
    near = 1 - np.abs(offered - wanted) / (STYLE_LIMIT + np.abs(wanted))
    counts = known.sum(axis=1)
    total = np.where(known, near, 0).sum(axis=1)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def _pricing(taken: Taken, asked: Asked, _: str) -> Scores:
    """1 where the ranges overlap or the price is lower, falling in a line to 0 at 25 % above."""
    if asked.budget is None:
        return unknown(taken["id"])
    return asked.budget.score(taken.frame.prices_in(asked.budget.unit)[taken.rows])


def _certification(taken: Taken, asked: Asked, name: str) -> Scores:
    """Asked for: mean of 1 verified, .7 stated, 0 neither. Else 1 - ½^(verified + stated/2)."""
    verified = popcount(taken["verified"])
    listed = popcount(taken["credentials"] | taken["verified"])
    wanted = asked.wanted[name]
    if not wanted.count:
        stated_too = np.maximum(listed, _stated_count(taken, asked, name)) - verified
        return np.where(listed + stated_too > 0, 1 - np.exp2(-(verified + stated_too / 2)), np.nan)
    proof = asked.layout.credential_set.mask(wanted.values)
    checked = popcount(taken["verified"] & proof)
    said = np.maximum(matched(taken, wanted.masks), checked)
    anything = stated(taken, wanted.masks) | (listed > 0)
    return np.where(anything, (checked + STATED_ONLY * (said - checked)) / wanted.count, np.nan)


def _stated_count(taken: Taken, asked: Asked, name: str) -> NDArray[np.int64]:
    """How many designations are stated in the criterion's provider fields."""
    total = np.zeros(len(taken["id"]), np.int64)
    for provider_field in asked.layout.definition.criteria[name].provider:
        if provider_field in asked.layout.sets:
            total += popcount(taken[f"set:{provider_field}"])
    return total


SIMPLE = {
    CriterionKind.OVERLAP: _overlap,
    CriterionKind.STYLE: _style,
    CriterionKind.PRICING: _pricing,
    CriterionKind.CERTIFICATION: _certification,
}
