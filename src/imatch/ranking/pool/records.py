"""Providers as records: rows of numbers, laid out by the category, made by the batch."""

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
RATING_UNITS = 100  # ratings are summed in hundredths, exactly
_NOWHERE = (float("nan"), float("nan"))
_COUNTED: dict[str, Callable[[RankableProvider], int]] = {
    "rating_count": lambda o: o.rating_count,
    "completed": lambda o: o.completed_count,
    "repeat": lambda o: o.repeat_count,
    "invites": lambda o: o.invites,
    "accepts": lambda o: o.accepts,
    "active": lambda o: o.active_count,
    "pending": lambda o: o.pending_count,
    "capacity": lambda o: o.capacity,
    "last_active": lambda o: as_day(o.last_active),
    "joined": lambda o: as_day(o.joined),
    "updated": lambda o: as_day(o.profile_updated),
    "past": lambda o: len(o.past),
}


def record_type(layout: Layout) -> np.dtype[np.void]:
    """One field for everything that is compared of a provider."""
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
    fields += [(name, np.int32, ()) for name in _COUNTED]
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
    """The record of each provider, written field by field for all of them."""
    records = np.zeros(len(providers), record_type(layout))
    profiles = [provider.profile for provider in providers]
    records["id"] = [provider.provider_id for provider in providers]
    records["place"] = _vectors(layout, locate, profiles)
    records["style"] = [_style(layout, p.get(layout.style or "")) for p in profiles]
    records["windows"] = _bits(layout.window_set, (p.get(layout.windows or "") for p in profiles))
    records["verified"] = _bits(
        layout.credential_set, (list(provider.verified) for provider in providers)
    )
    records["credentials"] = _bits(
        layout.credential_set, (credential_types(layout, p) for p in profiles)
    )
    records["years"] = [_whole(p.get("years_experience"), -1, 32_000) for p in profiles]
    records["rating_points"] = [round(provider.rating_sum * RATING_UNITS) for provider in providers]
    records["response_hours"] = [
        np.nan if provider.response_hours is None else provider.response_hours
        for provider in providers
    ]
    records["accepting"] = [provider.accepting_new for provider in providers]
    for name, counted in _COUNTED.items():
        records[name] = [counted(provider) for provider in providers]
    _write_prices(layout, profiles, records)
    _write_counts(layout, providers, records)
    _write_fields(layout, profiles, records)
    return records


def _write_fields(
    layout: Layout, profiles: Sequence[Mapping[str, Any]], records: NDArray[np.void]
) -> None:
    """Vocabularies, flags and dates: what a category's own fields hold."""
    for name, values in layout.sets.items():
        stated = [profile.get(name) for profile in profiles]
        records[f"set:{name}"] = _bits(values, stated)
        if layout.definition.provider[name].kind is Kind.CHOICE:
            records[f"ordinal:{name}"] = [_ordinal(values, as_values(given)) for given in stated]
    for name in layout.flags:
        answers = (profile.get(name) for profile in profiles)
        records[f"flag:{name}"] = [UNKNOWN_FLAG if a is None else int(a) for a in answers]
    for name in layout.dates:
        records[f"date:{name}"] = [as_day(profile.get(name)) for profile in profiles]


def _bits(values: ValueSet, stated: Iterable[Any]) -> list[tuple[int, ...]]:
    return [values.bits(as_values(given)) for given in stated]


def _ordinal(values: ValueSet, chosen: list[str]) -> int:
    """The place of a choice in its vocabulary's order."""
    return values.positions.get(chosen[0], UNKNOWN_ORDINAL) if chosen else UNKNOWN_ORDINAL


def _write_counts(
    layout: Layout, providers: Sequence[RankableProvider], records: NDArray[np.void]
) -> None:
    counts = records["counts"]
    for row, provider in enumerate(providers):
        for topic, count in provider.specialty_counts.items():
            place = layout.topics.positions.get(topic)
            if place is not None:
                counts[row, place] = min(count, MAX_TOPIC_COUNT)


def _vectors(
    layout: Layout, locate: Locate, profiles: Sequence[Mapping[str, Any]]
) -> NDArray[np.float32]:
    places = (profile.get(layout.place or "") for profile in profiles)
    return unit_vectors([(locate(place) or _NOWHERE) if place else _NOWHERE for place in places])


def _style(layout: Layout, style: Mapping[str, int] | None) -> tuple[int, ...]:
    return tuple((style or {}).get(scale, UNKNOWN_STYLE) for scale in layout.scales)


def _write_prices(
    layout: Layout, profiles: Sequence[Mapping[str, Any]], records: NDArray[np.void]
) -> None:
    prices = [_price(layout, profile.get(layout.price or "")) for profile in profiles]
    for place, name in enumerate(("price_min", "price_max", "price_unit")):
        records[name] = [price[place] for price in prices]


def _price(layout: Layout, price: Mapping[str, Any] | None) -> tuple[int, int, int]:
    """Lowest and highest cents, -1 where unknown, and the unit."""
    given = price or {}
    ends = [given[end] for end in ("min_cents", "max_cents") if given.get(end) is not None]
    if not ends:
        return -1, -1, UNKNOWN_ORDINAL
    return min(ends), max(ends), layout.unit(given.get("unit"))


def _whole(value: object, unknown: int, most: int) -> int:
    return min(value, most) if isinstance(value, int) else unknown


def credential_types(layout: Layout, profile: Mapping[str, Any]) -> list[str]:
    listed = profile.get(layout.credentials) if layout.credentials else None
    return [entry["type"] for entry in listed or [] if "type" in entry]
