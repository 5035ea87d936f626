"""A need made ready for a pool: its words, wanted values, place and budget, read once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import Kind
from imatch.ranking.pool.columns import Frame
from imatch.ranking.pool.layout import SET_KINDS, Layout, Words, as_values, unit_vector
from imatch.ranking.pool.prices import Budget
from imatch.ranking.pool.records import Locate
from imatch.ranking.pool.time_zones import windows_by_zone
from imatch.ranking.text.informative_words import telling
from imatch.ranking.text.stems import stems
from imatch.ranking.types import StatedNeed

TIME_ZONE = "time_zone"  # the field of both sides, as `common.toml` names it
MAX_TEXT = 5_000  # characters of a need that are read


@dataclass(frozen=True, slots=True)
class Wanted:
    """The values one criterion compares: by seeker field, and as bits of provider fields."""

    values: tuple[str, ...]
    masks: Mapping[str, Words]
    count: int  # of values that a provider can state at all


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything the criteria read of a need."""

    layout: Layout
    need: StatedNeed
    today: date
    query: Mapping[int, float]  # weights of the words that providers use
    request_query: Mapping[int, float]  # of those that earlier requests use
    custom_query: Mapping[int, float]  # of the seeker's own criteria
    telling: Mapping[str, float]  # of the need's stems, those that tell something: their weights
    custom_telling: Mapping[str, float]  # the same of the seeker's own criteria
    stems: frozenset[str]
    wanted: Mapping[str, Wanted]  # by criterion
    style: Mapping[int, int]  # scale's place -> -3..3
    windows: Words
    windows_by_zone: NDArray[np.uint64] | None  # the same by the clocks of each time zone
    place: NDArray[np.float32] | None
    budget: Budget | None
    format: str  # in_person, remote or either
    urgency: str

    @classmethod
    def of(
        cls, frame: Frame, layout: Layout, need: StatedNeed, today: date, locate: Locate
    ) -> Self:
        words = Counter(stems(need.text[:MAX_TEXT]))
        query = frame.documents.query(words)
        custom = Counter(stems(need.custom_criteria))
        custom_query = frame.documents.query(custom)
        place = _answer_of_kind(layout, need, Kind.PLACE)
        found = locate(place) if isinstance(place, Mapping) else None
        style = _answer_of_kind(layout, need, Kind.STYLE)
        return cls(
            layout=layout,
            need=need,
            today=today,
            query=query,
            request_query=frame.requests.query(words),
            custom_query=custom_query,
            telling=_telling(frame, words, query),
            custom_telling=_telling(frame, custom, custom_query),
            stems=frozenset(words),
            wanted={name: _wanted(layout, need, name) for name in layout.definition.criteria},
            style={
                place: int(style[scale])
                for place, scale in enumerate(layout.scales)
                if isinstance(style, Mapping) and style.get(scale) is not None
            },
            windows=layout.window_set.mask(as_values(_answer_of_kind(layout, need, Kind.WINDOWS))),
            windows_by_zone=_windows_by_zone(layout, need, today),
            place=unit_vector(found) if found else None,
            budget=Budget.of(_answer_of_kind(layout, need, Kind.BUDGET)),
            format=need.answer("format") or "either",
            urgency=need.answer("urgency") or "",
        )


def _telling(frame: Frame, words: Iterable[str], query: Mapping[int, float]) -> Mapping[str, float]:
    vocabulary = frame.documents.vocabulary
    return telling({stem: query.get(vocabulary.get(stem, -1), 0.0) for stem in words})


def _answer_of_kind(layout: Layout, need: StatedNeed, kind: Kind) -> object:
    for name, field in layout.definition.seeker.items():
        if field.kind is kind:
            return need.answer(name)
    return None


def _windows_by_zone(layout: Layout, need: StatedNeed, today: date) -> NDArray[np.uint64] | None:
    """None where the need or the category names no time zone, or the need no weekly times."""
    zones, zone = layout.sets.get(TIME_ZONE), need.answer(TIME_ZONE)
    windows = tuple(as_values(_answer_of_kind(layout, need, Kind.WINDOWS)))
    if zones is None or zone not in zones.positions or not windows:
        return None
    if layout.definition.provider[TIME_ZONE].kind is not Kind.CHOICE:
        return None
    return windows_by_zone(windows, zone, today, zones.keys)


def _wanted(layout: Layout, need: StatedNeed, criterion: str) -> Wanted:
    """What a criterion's seeker fields hold, as bits of its provider fields."""
    definition = layout.definition.criteria[criterion]
    values: list[str] = []
    for name in definition.seeker:
        if layout.definition.seeker[name].kind in SET_KINDS:
            values += as_values(need.answer(name))
    masks = layout.masks(definition.provider, values)
    count = sum(word.bit_count() for mask in masks.values() for word in mask.tolist())
    return Wanted(tuple(dict.fromkeys(values)), masks, count)
