"""The columns of a pool: one row a provider, appended by a writer, frozen for readers."""

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.layout import PRICE_UNITS, Layout, price_factor
from imatch.ranking.pool.records import Locate, record_type, records_of
from imatch.ranking.text.bm25 import TextIndex, TextView
from imatch.ranking.text.growing_array import Growing
from imatch.ranking.text.stems import stems
from imatch.ranking.types import RankableProvider

MAX_PAST = 60  # earlier requests kept of one provider, the newest
COMPACT_LEAST = 1_000  # dead rows before compaction is worth it
COMPACT_SHARE = 0.25
REMEMBERED = 64  # answers of a frame to conditions, a byte a provider each
_TOTALS = ("accepts", "invites", "rating_points", "rating_count")


@dataclass(frozen=True)
class Frame:
    """A pool as it stood at one moment."""

    columns: Mapping[str, NDArray[Any]]  # to read one fact of everybody
    records: NDArray[np.void]  # to read all facts of a few
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

    @cached_property
    def dead(self) -> NDArray[np.uint16]:
        """1 where a row stands for nobody any more."""
        return (~self.live).astype(np.uint16)

    def failing(self, condition: Callable[["Frame"], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """The rows of which the condition is not true; remembered by what is asked."""
        found = self._failing.get(condition)
        if found is None:
            found = ~condition(self)
            if len(self._failing) >= REMEMBERED:
                self._failing.clear()
            self._failing[condition] = found
        return found

    @cached_property
    def _failing(self) -> dict[Callable[["Frame"], NDArray[np.bool_]], NDArray[np.bool_]]:
        return {}

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
    """The facts of some rows. Their records are gathered at once: rows lie far apart in memory."""

    def __init__(self, frame: Frame, rows: NDArray[np.int64]) -> None:
        super().__init__()
        self.frame, self.rows = frame, rows
        # As plain bytes: an index into records of fields would copy them field by field.
        kind = frame.records.dtype
        plain = frame.records.view(np.dtype((np.void, kind.itemsize)))
        self._records = plain.take(rows).view(kind)

    def __missing__(self, name: str) -> NDArray[Any]:
        self[name] = np.ascontiguousarray(self._records[name])
        return self[name]


class Store:
    """The writer's side of a pool. Not safe for two writers; frames are safe for any reader."""

    def __init__(self, layout: Layout, locate: Locate) -> None:
        self._layout = layout
        self._locate = locate
        kind = record_type(layout)
        self._records = Growing(kind)
        self._columns = {name: Growing(*_base(kind[name])) for name in kind.names or ()}
        for name, values in layout.sets.items():
            self._columns[f"set:{name}"] = Growing(values.narrow, (values.words,))
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
        self._totals = dict.fromkeys(_TOTALS, 0)

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, providers: Iterable[RankableProvider]) -> None:
        """Add providers, or replace those with their ids; of two with one id the last counts."""
        batch = list({provider.provider_id: provider for provider in providers}.values())
        for provider in batch:
            self.drop(provider.provider_id)
        first = len(self._live)
        records = records_of(self._layout, self._locate, batch)
        self._records.extend(records)
        for name, column in self._columns.items():
            column.extend(records[name])
        self._documents.extend([_document(provider) for provider in batch])
        self._put_requests(first, batch)
        self._blobs += [_blob(self._layout, provider) for provider in batch]
        self._live.extend(np.ones(len(batch), np.bool_))
        self._rows |= {provider.provider_id: first + n for n, provider in enumerate(batch)}
        self._tally(records, 1)

    def _put_requests(self, first_row: int, batch: Sequence[RankableProvider]) -> None:
        """The earlier requests of the batch; statistics count one once, whoever took it."""
        texts: list[str] = []
        owners, repeated, topics, starts = [], [], [], []
        for row, provider in enumerate(batch, first_row):
            starts.append(len(self._requests) + len(texts))
            tags = [*provider.past_tags, *[()] * (len(provider.past) - len(provider.past_tags))]
            texts += provider.past[-MAX_PAST:]
            topics += [self._layout.topics.bits(t) for t in tags[: len(provider.past)][-MAX_PAST:]]
            owners += [row] * min(len(provider.past), MAX_PAST)
        checksums = [zlib.crc32(text.encode()) for text in texts]
        for checksum in checksums:
            self._takers[checksum] += 1
            repeated.append(self._takers[checksum] > 1)
        self._requests.extend([[Counter(stems(text))] for text in texts], repeated)
        self._request_start.extend(np.array(starts, np.int64))
        self._request_owner.extend(np.array(owners, np.int32))
        self._request_text.extend(np.array(checksums, np.uint32))
        bits = np.array(topics, np.uint64).reshape(len(texts), self._layout.topics.words)
        self._request_topics.extend(bits)

    def drop(self, provider_id: int) -> None:
        """Remove a provider; an unknown id is no fault."""
        row = self._rows.pop(provider_id, None)
        if row is None:
            return
        self._live.array[row] = False  # frames hold copies
        self._tally(self._records.array[row : row + 1], -1)
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
            records=self._records.array,
            live=self._live.array.copy(),
            documents=self._documents.view(),
            requests=self._requests.view(),
            request_owner=self._request_owner.array,
            request_topics=self._request_topics.array,
            request_text=self._request_text.array,
            blobs=self._blobs,
            totals=dict(self._totals),
        )

    def _tally(self, records: NDArray[np.void], sign: int) -> None:
        for name in _TOTALS:
            self._totals[name] += sign * int(records[name].sum())

    def _compact(self) -> None:
        live = self._live.array
        rows = np.flatnonzero(live)
        renamed = np.cumsum(live) - 1
        requests = np.flatnonzero(live[self._request_owner.array])
        self._documents = self._documents.kept(rows)
        self._requests = self._requests.kept(requests)
        self._columns = {name: Growing.of(c.array[rows]) for name, c in self._columns.items()}
        self._records = Growing.of(self._records.array[rows])
        owners = renamed[self._request_owner.array[requests]].astype(np.int32)
        self._request_owner = Growing.of(owners)
        self._request_topics = Growing.of(self._request_topics.array[requests])
        self._request_text = Growing.of(self._request_text.array[requests])
        self._request_start = Growing.of(np.searchsorted(owners, np.arange(len(rows))))
        self._blobs = [self._blobs[row] for row in rows.tolist()]
        self._live = Growing.of(np.ones(len(rows), np.bool_))
        self._rows = {int(i): row for row, i in enumerate(self._columns["id"].array.tolist())}


def _base(kind: np.dtype[Any]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The scalar type and the shape of a record's field."""
    return kind.subdtype or (kind, ())


def _document(provider: RankableProvider) -> list[Counter[str]]:
    """What a provider is found by: their own passages, each once."""
    counted = (Counter(stems(passage)) for passage in dict.fromkeys(provider.passages))
    return [stemmed for stemmed in counted if stemmed]


def _blob(layout: Layout, provider: RankableProvider) -> bytes:
    kept = {
        "passages": provider.passages,
        "place": provider.profile.get(layout.place or ""),
        "verified_on": {kind: day.isoformat() for kind, day in provider.verified_on.items()},
    }
    return zlib.compress(json.dumps(kept).encode(), 1)
