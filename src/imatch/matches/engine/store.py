"""The columns of a pool: one row a provider, appended by a writer, frozen for readers."""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import Kind
from imatch.matches.engine.growing import Growing
from imatch.matches.engine.layout import (
    PRICE_UNITS,
    UNKNOWN_FLAG,
    UNKNOWN_ORDINAL,
    UNKNOWN_STYLE,
    Layout,
    ValueSet,
    as_day,
    as_values,
    price_factor,
    unit_vector,
)
from imatch.matches.engine.postings import TextIndex, TextView
from imatch.matches.engine.text import stems
from imatch.matches.engine.types import Offer

Locate = Callable[[Mapping[str, Any]], tuple[float, float] | None]
MAX_TOPIC_COUNT = 65_535
RATING_UNITS = 100  # ratings are summed in hundredths, exactly
MAX_PAST = 60  # earlier requests kept of one provider, the newest
COMPACT_LEAST = 1_000  # dead rows before compaction is worth it
COMPACT_SHARE = 0.25


@dataclass(frozen=True)
class Frame:
    """A pool as it stood at one moment."""

    columns: Mapping[str, NDArray[Any]]
    live: NDArray[np.bool_]
    documents: TextView
    requests: TextView  # earlier requests, one row each
    request_owner: NDArray[np.int32]  # the provider row of each
    request_topics: NDArray[np.uint64]  # its topics, as bits
    request_text: NDArray[np.uint32]  # and a checksum: several people may take the same request
    blobs: list[bytes]
    totals: Mapping[str, int]

    @cached_property
    def size(self) -> int:
        return len(self.live)

    @cached_property
    def live_count(self) -> int:
        return int(np.count_nonzero(self.live))

    @cached_property
    def accept(self) -> NDArray[np.float32]:
        """The chance that one takes a request: (yes + 4·a0)/(invites + 4), a0 the pool's."""
        usual = (self.totals["accepts"] + 3.0) / (self.totals["invites"] + 4.0)
        yes, asked = self.columns["accepts"], self.columns["invites"]
        chance: NDArray[np.float64] = (yes + 4 * usual) / (asked + 4)
        return chance.astype(np.float32)

    @cached_property
    def occupancy(self) -> NDArray[np.float32]:
        """(active + accept·pending) / capacity."""
        expected = self.columns["active"] + self.accept * self.columns["pending"]
        share: NDArray[np.float64] = expected / np.maximum(self.columns["capacity"], 1)
        return share.astype(np.float32)

    @cached_property
    def has_room(self) -> NDArray[np.bool_]:
        return self.columns["accepting"] & (self.occupancy < 1) & (self.columns["capacity"] > 0)

    def prices_in(self, unit: str) -> NDArray[np.float64]:
        """Everyone's lowest price in cents per unit; NaN where that is not known exactly."""
        found = self._prices.get(unit)
        if found is None:
            factors = np.full(256, np.nan)
            factors[: len(PRICE_UNITS)] = [price_factor(name, unit) for name in PRICE_UNITS]
            found = self.columns["price_min"] * factors[self.columns["price_unit"]]
            self._prices[unit] = found
        return found

    @cached_property
    def _prices(self) -> dict[str, NDArray[np.float64]]:
        return {}

    def taken(self, rows: NDArray[np.int64]) -> "Taken":
        return Taken(self, rows)

    def texts(self, row: int) -> dict[str, Any]:
        """What a provider wrote, for the few people who are shown."""
        unpacked: dict[str, Any] = json.loads(zlib.decompress(self.blobs[row]))
        return unpacked


class Taken(dict[str, NDArray[Any]]):
    """The columns of some rows, each gathered when it is first read."""

    def __init__(self, frame: Frame, rows: NDArray[np.int64]) -> None:
        super().__init__()
        self.frame, self.rows = frame, rows

    def __missing__(self, name: str) -> NDArray[Any]:
        self[name] = self.frame.columns[name][self.rows]
        return self[name]


class Store:
    """The writer's side of a pool. Not safe for two writers; frames are safe for any reader."""

    def __init__(self, layout: Layout, locate: Locate) -> None:
        self._layout = layout
        self._locate = locate
        self._columns = _columns(layout)
        self._live = Growing(np.bool_)
        self._documents = TextIndex()
        self._requests = TextIndex()
        self._request_owner = Growing(np.int32)
        self._request_text = Growing(np.uint32)
        self._takers: Counter[int] = Counter()  # live takers of each request
        self._request_start = Growing(np.int64)
        self._request_topics = Growing(np.uint64, (layout.topics.words,))
        self._blobs: list[bytes] = []
        self._rows: dict[int, int] = {}
        self._totals = Counter(accepts=0, invites=0, rating_points=0, rating_count=0)

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, offer: Offer) -> None:
        """Add a provider, or replace the one with this id."""
        self.drop(offer.provider_id)
        row = len(self._live)
        for name, value in row_values(self._layout, self._locate, offer).items():
            self._columns[name].append(value)
        self._documents.append(_document(offer))
        self._request_start.append(len(self._requests))
        topics = [*offer.past_tags, *[()] * (len(offer.past) - len(offer.past_tags))]
        for text, tags in list(zip(offer.past, topics, strict=False))[-MAX_PAST:]:
            checksum = zlib.crc32(text.encode())
            self._takers[checksum] += 1
            repeated = self._takers[checksum] > 1
            self._requests.append([Counter(stems(text))], repeated=repeated)
            self._request_owner.append(row)
            self._request_text.append(checksum)
            self._request_topics.append(self._layout.topics.mask(tags))
        self._blobs.append(_blob(self._layout, offer))
        self._live.append(value=True)
        self._rows[offer.provider_id] = row
        self._totals.update(self._tallies(row))

    def drop(self, provider_id: int) -> None:
        """Remove a provider; an unknown id is no fault."""
        row = self._rows.pop(provider_id, None)
        if row is None:
            return
        self._live.array[row] = False  # frames hold copies
        self._totals.subtract(self._tallies(row))
        self._documents.kill(row)
        request = int(self._request_start.array[row])
        owners = self._request_owner.array
        while request < len(owners) and owners[request] == row:
            checksum = int(self._request_text.array[request])
            self._takers[checksum] -= 1
            self._requests.kill(request, repeated=self._takers[checksum] > 0)
            request += 1

    def frame(self) -> Frame:
        """Freeze the pool for readers, compacting first when many rows are dead."""
        dead = len(self._live) - len(self._rows)
        if dead > COMPACT_LEAST and dead > COMPACT_SHARE * len(self._live):
            self._compact()
        return Frame(
            columns={name: column.array for name, column in self._columns.items()},
            live=self._live.array.copy(),
            documents=self._documents.view(),
            requests=self._requests.view(),
            request_owner=self._request_owner.array,
            request_topics=self._request_topics.array,
            request_text=self._request_text.array,
            blobs=self._blobs,
            totals=dict(self._totals),
        )

    def _tallies(self, row: int) -> dict[str, int]:
        names = ("accepts", "invites", "rating_points", "rating_count")
        return {name: int(self._columns[name].array[row]) for name in names}

    def _compact(self) -> None:
        live = self._live.array
        rows = np.flatnonzero(live)
        renamed = np.cumsum(live) - 1
        requests = np.flatnonzero(live[self._request_owner.array])
        self._documents = self._documents.kept(rows)
        self._requests = self._requests.kept(requests)
        self._columns = {name: Growing.of(c.array[rows]) for name, c in self._columns.items()}
        owners = renamed[self._request_owner.array[requests]].astype(np.int32)
        self._request_owner = Growing.of(owners)
        self._request_topics = Growing.of(self._request_topics.array[requests])
        self._request_text = Growing.of(self._request_text.array[requests])
        self._request_start = Growing.of(np.searchsorted(owners, np.arange(len(rows))))
        self._blobs = [self._blobs[row] for row in rows.tolist()]
        self._live = Growing.of(np.ones(len(rows), np.bool_))
        self._rows = {int(i): row for row, i in enumerate(self._columns["id"].array.tolist())}


def _columns(layout: Layout) -> dict[str, Growing]:
    columns = {
        "id": Growing(np.int64),
        "counts": Growing(np.uint16, (len(layout.topics.labels),)),
        "place": Growing(np.float32, (3,)),
        "style": Growing(np.int8, (len(layout.scales),)),
        "windows": Growing(np.uint64, (layout.window_set.words,)),
        "verified": Growing(np.uint64, (layout.credential_set.words,)),
        "credentials": Growing(np.uint64, (layout.credential_set.words,)),
        "price_min": Growing(np.int64),
        "price_max": Growing(np.int64),
        "price_unit": Growing(np.uint8),
        "years": Growing(np.int16),
        "rating_points": Growing(np.int64),
        "response_hours": Growing(np.float32),
        "accepting": Growing(np.bool_),
    }
    for name in _COUNTED:
        columns[name] = Growing(np.int32)
    for name, values in layout.sets.items():
        columns[f"set:{name}"] = Growing(np.uint64, (values.words,))
        if layout.definition.provider[name].kind is Kind.CHOICE:
            columns[f"ordinal:{name}"] = Growing(np.uint8)
    columns |= {f"flag:{name}": Growing(np.uint8) for name in layout.flags}
    columns |= {f"date:{name}": Growing(np.int32) for name in layout.dates}
    return columns


def row_values(layout: Layout, locate: Locate, offer: Offer) -> dict[str, Any]:
    """One provider as a value for every column."""
    profile = offer.profile
    row: dict[str, Any] = {
        "id": offer.provider_id,
        "counts": _topic_counts(layout, offer),
        "place": _vector(locate, profile.get(layout.place) if layout.place else None),
        "style": _style(layout, profile.get(layout.style) if layout.style else None),
        "windows": layout.window_set.mask(as_values(profile.get(layout.windows or ""))),
        "verified": layout.credential_set.mask(offer.verified),
        "credentials": layout.credential_set.mask(_credential_types(layout, profile)),
        "years": _whole(profile.get("years_experience"), -1, 32_000),
        "rating_points": round(offer.rating_sum * RATING_UNITS),
        "response_hours": np.nan if offer.response_hours is None else offer.response_hours,
        "accepting": offer.accepting_new,
        **_price(layout, profile.get(layout.price) if layout.price else None),
        **_counted(offer),
    }
    for name, values in layout.sets.items():
        chosen = as_values(profile.get(name))
        row[f"set:{name}"] = values.mask(chosen)
        if layout.definition.provider[name].kind is Kind.CHOICE:
            row[f"ordinal:{name}"] = ordinal(values, chosen)
    for name in layout.flags:
        row[f"flag:{name}"] = int(profile[name]) if profile.get(name) is not None else UNKNOWN_FLAG
    for name in layout.dates:
        row[f"date:{name}"] = as_day(profile.get(name))
    return row


_COUNTED = (
    "rating_count", "completed", "repeat", "invites", "accepts", "active", "pending",
    "capacity", "last_active", "joined", "updated", "past",
)  # fmt: skip


def _counted(offer: Offer) -> dict[str, int]:
    return {
        "rating_count": offer.rating_count,
        "completed": offer.completed_count,
        "repeat": offer.repeat_count,
        "invites": offer.invites,
        "accepts": offer.accepts,
        "active": offer.active_count,
        "pending": offer.pending_count,
        "capacity": offer.capacity,
        "last_active": as_day(offer.last_active),
        "joined": as_day(offer.joined),
        "updated": as_day(offer.profile_updated),
        "past": len(offer.past),
    }


def ordinal(values: ValueSet, chosen: list[str]) -> int:
    """The place of a choice in its vocabulary's order."""
    return values.positions.get(chosen[0], UNKNOWN_ORDINAL) if chosen else UNKNOWN_ORDINAL


def _topic_counts(layout: Layout, offer: Offer) -> NDArray[np.uint16]:
    counts = np.zeros(len(layout.topics.labels), np.uint16)
    for topic, count in offer.specialty_counts.items():
        place = layout.topics.positions.get(topic)
        if place is not None:
            counts[place] = min(count, MAX_TOPIC_COUNT)
    return counts


def _vector(locate: Locate, place: Mapping[str, Any] | None) -> NDArray[np.float32]:
    found = locate(place) if place else None
    return unit_vector(found) if found else np.full(3, np.nan, np.float32)


def _style(layout: Layout, style: Mapping[str, int] | None) -> list[int]:
    return [(style or {}).get(scale, UNKNOWN_STYLE) for scale in layout.scales]


def _price(layout: Layout, price: Mapping[str, Any] | None) -> dict[str, int]:
    given = price or {}
    ends = [given[end] for end in ("min_cents", "max_cents") if given.get(end) is not None]
    if not ends:
        return {"price_min": -1, "price_max": -1, "price_unit": UNKNOWN_ORDINAL}
    unit = layout.unit(given.get("unit"))
    return {"price_min": min(ends), "price_max": max(ends), "price_unit": unit}


def _whole(value: object, unknown: int, most: int) -> int:
    return min(value, most) if isinstance(value, int) else unknown


def _credential_types(layout: Layout, profile: Mapping[str, Any]) -> list[str]:
    listed = profile.get(layout.credentials) if layout.credentials else None
    return [entry["type"] for entry in listed or [] if "type" in entry]


def _document(offer: Offer) -> list[Counter[str]]:
    """What a provider is found by: their own passages, each once."""
    counted = (Counter(stems(passage)) for passage in dict.fromkeys(offer.passages))
    return [stemmed for stemmed in counted if stemmed]


def _blob(layout: Layout, offer: Offer) -> bytes:
    kept = {"passages": offer.passages, "place": offer.profile.get(layout.place or "")}
    return zlib.compress(json.dumps(kept).encode(), 1)
