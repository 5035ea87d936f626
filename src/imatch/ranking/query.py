"""A need prepared for ranking: its words, wanted values, place and budget, parsed once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import Kind
from imatch.ranking.pool.layout import SET_KINDS, Layout, Words, as_values, unit_vector
from imatch.ranking.pool.prices import Budget
from imatch.ranking.pool.records import Locate
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.pool.time_zones import windows_by_zone
from imatch.ranking.text.informative_words import informative
from imatch.ranking.text.stems import stems
from imatch.ranking.types import StatedNeed

TIME_ZONE = "time_zone"  # name of this field on both sides, set in `common.toml`
MAX_TEXT_LENGTH = 5_000  # characters; the rest of a need's text is not read


@dataclass(frozen=True, slots=True)
class WantedValues:
    """The values that a seeker wants for one criterion."""

    values: tuple[str, ...]
    masks: Mapping[str, Words]  # the same values as bits, by provider field
    count: int  # wanted values that some provider field can state


@dataclass(frozen=True, slots=True)
class Query:
    """Everything that gates and criteria read from a need, against one snapshot of a pool."""

    layout: Layout
    need: StatedNeed
    today: date
    term_weights: Mapping[int, float]  # BM25 weights by term of the providers' texts
    request_term_weights: Mapping[int, float]  # by term of the earlier requests
    custom_term_weights: Mapping[int, float]  # of the seeker's own criteria
    informative: Mapping[str, float]  # weights of the need's informative stems
    custom_informative: Mapping[str, float]  # the same for the seeker's own criteria
    stems: frozenset[str]
    wanted: Mapping[str, WantedValues]  # by criterion
    style: Mapping[int, int]  # index of the style scale -> -3..3
    windows: Words  # weekly times wanted, as bits
    windows_by_zone: NDArray[np.uint64] | None  # `windows` in each time zone, one row a zone
    place: NDArray[np.float32] | None  # unit vector of the seeker's place
    budget: Budget | None
    format: str  # in_person, remote or either
    urgency: str

    @classmethod
    def of(
        cls, snapshot: Snapshot, layout: Layout, need: StatedNeed, today: date, locate: Locate
    ) -> Self:
        stem_counts = Counter(stems(need.text[:MAX_TEXT_LENGTH]))
        term_weights = snapshot.documents.term_weights(stem_counts)
        custom_counts = Counter(stems(need.custom_criteria))
        custom_term_weights = snapshot.documents.term_weights(custom_counts)
        place = _answer_of_kind(layout, need, Kind.PLACE)
        coordinates = locate(place) if isinstance(place, Mapping) else None
        style = _answer_of_kind(layout, need, Kind.STYLE)
        return cls(
            layout=layout,
            need=need,
            today=today,
            term_weights=term_weights,
            request_term_weights=snapshot.requests.term_weights(stem_counts),
            custom_term_weights=custom_term_weights,
            informative=_informative(snapshot, stem_counts, term_weights),
            custom_informative=_informative(snapshot, custom_counts, custom_term_weights),
            stems=frozenset(stem_counts),
            wanted={name: _wanted(layout, need, name) for name in layout.definition.criteria},
            style={
                index: int(style[scale])
                for index, scale in enumerate(layout.scales)
                if isinstance(style, Mapping) and style.get(scale) is not None
            },
            windows=layout.window_set.mask(as_values(_answer_of_kind(layout, need, Kind.WINDOWS))),
            windows_by_zone=_windows_by_zone(layout, need, today),
            place=unit_vector(coordinates) if coordinates else None,
            budget=Budget.of(_answer_of_kind(layout, need, Kind.BUDGET)),
            format=need.answer("format") or "either",
            urgency=need.answer("urgency") or "",
        )


def _informative(
    snapshot: Snapshot, text_stems: Iterable[str], term_weights: Mapping[int, float]
) -> Mapping[str, float]:
    vocabulary = snapshot.documents.vocabulary
    return informative(
        {stem: term_weights.get(vocabulary.get(stem, -1), 0.0) for stem in text_stems}
    )


def _answer_of_kind(layout: Layout, need: StatedNeed, kind: Kind) -> object:
    for name, field in layout.definition.seeker.items():
        if field.kind is kind:
            return need.answer(name)
    return None


def _windows_by_zone(layout: Layout, need: StatedNeed, today: date) -> NDArray[np.uint64] | None:
    """None if the need or the category names no time zone, or the need has no weekly times."""
    zones, zone = layout.sets.get(TIME_ZONE), need.answer(TIME_ZONE)
    windows = tuple(as_values(_answer_of_kind(layout, need, Kind.WINDOWS)))
    if zones is None or zone not in zones.positions or not windows:
        return None
    if layout.definition.provider[TIME_ZONE].kind is not Kind.CHOICE:
        return None
    return windows_by_zone(windows, zone, today, zones.keys)


def _wanted(layout: Layout, need: StatedNeed, criterion: str) -> WantedValues:
    """The answers to a criterion's seeker fields, as bits of its provider fields."""
    definition = layout.definition.criteria[criterion]
    values: list[str] = []
    for name in definition.seeker:
        if layout.definition.seeker[name].kind in SET_KINDS:
            values += as_values(need.answer(name))
    masks = layout.masks(definition.provider, values)
    count = sum(word.bit_count() for mask in masks.values() for word in mask.tolist())
    return WantedValues(tuple(dict.fromkeys(values)), masks, count)
