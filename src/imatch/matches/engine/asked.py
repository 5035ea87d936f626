"""A need made ready for the pool: its words, wanted values, place and budget, read once per request."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import Kind
from imatch.matches.engine.layout import SET_KINDS, Layout, Words, as_values, popcount, unit_vector
from imatch.matches.engine.prices import Budget
from imatch.matches.engine.store import Locate
from imatch.matches.engine.text import stems
from imatch.matches.engine.types import Need


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
    need: Need
    today: date
    words: Counter[str]
    custom_words: Counter[str]
    wanted: Mapping[str, Wanted]  # by criterion
    style: Mapping[int, int]  # scale's place -> -3..3
    windows: Words
    place: NDArray[np.float32] | None
    budget: Budget | None
    format: str  # in_person, remote or either
    urgency: str

    @classmethod
    def of(cls, layout: Layout, need: Need, today: date, locate: Locate) -> "Asked":
        place = _answer_of_kind(layout, need, Kind.PLACE)
        found = locate(place) if isinstance(place, Mapping) else None
        style = _answer_of_kind(layout, need, Kind.STYLE)
        return cls(
            layout=layout,
            need=need,
            today=today,
            words=Counter(stems(need.text)),
            custom_words=Counter(stems(need.custom_criteria)),
            wanted={name: _wanted(layout, need, name) for name in layout.definition.criteria},
            style={
                place: int(style[scale])
                for place, scale in enumerate(layout.scales)
                if isinstance(style, Mapping) and style.get(scale) is not None
            },
            windows=layout.window_set.mask(as_values(_answer_of_kind(layout, need, Kind.WINDOWS))),
            place=unit_vector(found) if found else None,
            budget=Budget.of(_answer_of_kind(layout, need, Kind.BUDGET)),
            format=need.answer("format") or "either",
            urgency=need.answer("urgency") or "",
        )


def _answer_of_kind(layout: Layout, need: Need, kind: Kind) -> object:
    for name, field in layout.definition.seeker.items():
        if field.kind is kind:
            return need.answer(name)
    return None


def _wanted(layout: Layout, need: Need, criterion: str) -> Wanted:
    """The tags and choices that a criterion's seeker fields hold, as bits of its provider fields."""
    definition = layout.definition.criteria[criterion]
    values: list[str] = []
    for name in definition.seeker:
        if layout.definition.seeker[name].kind in SET_KINDS:
            values += as_values(need.answer(name))
    masks = layout.masks(definition.provider, values)
    count = sum(int(popcount(mask)) for mask in masks.values())
    return Wanted(tuple(dict.fromkeys(values)), masks, count)
