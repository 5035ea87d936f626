"""Providers as numpy records: rows of numbers in the layout of the category, built in batches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from imatch.categories.schemas import Kind
from imatch.ranking.pool.layout import (
    UNKNOWN_FLAG,
    UNKNOWN_ORDINAL,
    UNKNOWN_STYLE,
    Layout,
    ValueSet,
    as_day,
    as_values,
    unit_vectors,
)
from imatch.ranking.types import RankableProvider

Locate = Callable[[Mapping[str, Any]], tuple[float, float] | None]
MAX_TOPIC_COUNT = 65_535
RATING_UNITS = 100  # ratings are summed exactly, in hundredths
_UNKNOWN_PLACE = (float("nan"), float("nan"))
_INTEGER_FIELDS: dict[str, Callable[[RankableProvider], int]] = {
    "rating_count": lambda provider: provider.rating_count,
    "completed": lambda provider: provider.completed_count,
    "repeat": lambda provider: provider.repeat_count,
    "invites": lambda provider: provider.invites,
    "accepts": lambda provider: provider.accepts,
    "active": lambda provider: provider.active_count,
    "pending": lambda provider: provider.pending_count,
    "capacity": lambda provider: provider.capacity,
    "last_active": lambda provider: as_day(provider.last_active),
    "joined": lambda provider: as_day(provider.joined),
    "updated": lambda provider: as_day(provider.profile_updated),
    "past": lambda provider: len(provider.past),
}


def record_type(layout: Layout) -> np.dtype[np.void]:
    """The record type of a provider: one field for each value that is compared."""
    fields: list[tuple[str, DTypeLike, tuple[int, ...]]] = [
        ("id", np.int64, ()),
        ("counts", np.uint16, (len(layout.topics.labels),)),
        ("place", np.float32, (3,)),
        ("style", np.int8, (len(layout.scales),)),
        ("windows", np.uint64, (layout.window_set.words,)),
        ("verified", np.uint64, (layout.credential_set.words,)),
        ("credentials", np.uint64, (layout.credential_set.words,)),
        ("price_min", np.int64, ()),
        ("price_max", np.int64, ()),
        ("price_unit", np.uint8, ()),
        ("years", np.int16, ()),
        ("rating_points", np.int64, ()),
        ("response_hours", np.float32, ()),
        ("accepting", np.bool_, ()),
    ]
    fields += [(name, np.int32, ()) for name in _INTEGER_FIELDS]
    for name, values in layout.sets.items():
        fields.append((f"set:{name}", np.uint64, (values.words,)))
        if layout.definition.provider[name].kind is Kind.CHOICE:
            fields.append((f"ordinal:{name}", np.uint8, ()))
    fields += [(f"flag:{name}", np.uint8, ()) for name in layout.flags]
    fields += [(f"date:{name}", np.int32, ()) for name in layout.dates]
    return np.dtype(fields, align=True)


def records_of(
    layout: Layout, locate: Locate, providers: Sequence[RankableProvider]
) -> NDArray[np.void]:
    """The records of providers, shape (providers,), written one field at a time."""
    records = np.zeros(len(providers), record_type(layout))
    profiles = [provider.profile for provider in providers]
    records["id"] = [provider.provider_id for provider in providers]
    records["place"] = _vectors(layout, locate, profiles)
    records["style"] = [_style(layout, profile.get(layout.style or "")) for profile in profiles]
    records["windows"] = _bits(
        layout.window_set, (profile.get(layout.windows or "") for profile in profiles)
    )
    records["verified"] = _bits(
        layout.credential_set, (list(provider.verified) for provider in providers)
    )
    records["credentials"] = _bits(
        layout.credential_set, (credential_types(layout, profile) for profile in profiles)
    )
    records["years"] = [
        _clipped(profile.get("years_experience"), -1, 32_000) for profile in profiles
    ]
    records["rating_points"] = [round(provider.rating_sum * RATING_UNITS) for provider in providers]
    records["response_hours"] = [
        np.nan if provider.response_hours is None else provider.response_hours
        for provider in providers
    ]
    records["accepting"] = [provider.accepting_new for provider in providers]
    for name, value_of in _INTEGER_FIELDS.items():
        records[name] = [value_of(provider) for provider in providers]
    _write_prices(layout, profiles, records)
    _write_counts(layout, providers, records)
    _write_fields(layout, profiles, records)
    return records


def _write_fields(
    layout: Layout, profiles: Sequence[Mapping[str, Any]], records: NDArray[np.void]
) -> None:
    """Write the category's own fields: vocabularies, flags and dates."""
    for name, values in layout.sets.items():
        stated = [profile.get(name) for profile in profiles]
        records[f"set:{name}"] = _bits(values, stated)
        if layout.definition.provider[name].kind is Kind.CHOICE:
            records[f"ordinal:{name}"] = [_ordinal(values, as_values(answer)) for answer in stated]
    for name in layout.flags:
        answers = (profile.get(name) for profile in profiles)
        records[f"flag:{name}"] = [
            UNKNOWN_FLAG if answer is None else int(answer) for answer in answers
        ]
    for name in layout.dates:
        records[f"date:{name}"] = [as_day(profile.get(name)) for profile in profiles]


def _bits(values: ValueSet, stated: Iterable[Any]) -> list[tuple[int, ...]]:
    return [values.bits(as_values(answer)) for answer in stated]


def _ordinal(values: ValueSet, chosen: list[str]) -> int:
    """The position of a choice in its vocabulary, or UNKNOWN_ORDINAL."""
    return values.positions.get(chosen[0], UNKNOWN_ORDINAL) if chosen else UNKNOWN_ORDINAL


def _write_counts(
    layout: Layout, providers: Sequence[RankableProvider], records: NDArray[np.void]
) -> None:
    counts = records["counts"]
    for row, provider in enumerate(providers):
        for topic, count in provider.specialty_counts.items():
            position = layout.topics.positions.get(topic)
            if position is not None:
                counts[row, position] = min(count, MAX_TOPIC_COUNT)


def _vectors(
    layout: Layout, locate: Locate, profiles: Sequence[Mapping[str, Any]]
) -> NDArray[np.float32]:
    places = (profile.get(layout.place or "") for profile in profiles)
    return unit_vectors(
        [(locate(place) or _UNKNOWN_PLACE) if place else _UNKNOWN_PLACE for place in places]
    )


def _style(layout: Layout, style: Mapping[str, int] | None) -> tuple[int, ...]:
    return tuple((style or {}).get(scale, UNKNOWN_STYLE) for scale in layout.scales)


def _write_prices(
    layout: Layout, profiles: Sequence[Mapping[str, Any]], records: NDArray[np.void]
) -> None:
    prices = [_price(layout, profile.get(layout.price or "")) for profile in profiles]
    for index, name in enumerate(("price_min", "price_max", "price_unit")):
        records[name] = [price[index] for price in prices]


def _price(layout: Layout, price: Mapping[str, Any] | None) -> tuple[int, int, int]:
    """Lowest and highest price in cents (-1 if unknown), and the index of the unit."""
    answer = price or {}
    ends = [answer[end] for end in ("min_cents", "max_cents") if answer.get(end) is not None]
    if not ends:
        return -1, -1, UNKNOWN_ORDINAL
    return min(ends), max(ends), layout.unit(answer.get("unit"))


def _clipped(value: object, unknown: int, highest: int) -> int:
    return min(value, highest) if isinstance(value, int) else unknown


def credential_types(layout: Layout, profile: Mapping[str, Any]) -> list[str]:
    credentials = profile.get(layout.credentials) if layout.credentials else None
    return [entry["type"] for entry in credentials or [] if "type" in entry]
