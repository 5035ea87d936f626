"""The columns of a pool, one row a provider: a writer appends, readers use immutable snapshots."""

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
from imatch.ranking.text.growing_array import GrowingArray
from imatch.ranking.text.stems import stems
from imatch.ranking.types import RankableProvider

MAX_PAST = 60  # newest earlier requests kept of one provider
MIN_DEAD_ROWS = 1_000  # fewer are not worth a compaction
MAX_DEAD_SHARE = 0.25  # of all rows, before a compaction
MAX_CACHED_CONDITIONS = 64  # of a snapshot; each result takes one byte a row
_TOTALS = ("accepts", "invites", "rating_points", "rating_count")


@dataclass(frozen=True)
class Snapshot:
    """An immutable state of a pool, read by many threads."""

    columns: Mapping[str, NDArray[Any]]  # by column, fast for one fact of all rows
    records: NDArray[np.void]  # by row, fast for all facts of a few rows
    live: NDArray[np.bool_]  # False where the provider was removed or replaced
    documents: TextView
    requests: TextView  # earlier requests, one row each
    request_owner: NDArray[np.int32]  # by request, the row of the provider who took it
    request_topics: NDArray[np.uint64]  # by request, its topics as bits
    request_text: NDArray[np.uint32]  # by request, a checksum: several may take the same request
    blobs: list[bytes]  # by row, the compressed texts
    totals: Mapping[str, int]

    @cached_property
    def size(self) -> int:
        return len(self.live)

    @cached_property
    def live_count(self) -> int:
        return int(np.count_nonzero(self.live))

    @cached_property
    def accept(self) -> NDArray[np.float32]:
        """The chance of an accept: (accepts + 4·a0)/(invites + 4), a0 being the pool's rate."""
        pool_rate = (self.totals["accepts"] + 3.0) / (self.totals["invites"] + 4.0)
        accepts, invites = self.columns["accepts"], self.columns["invites"]
        chance: NDArray[np.float64] = (accepts + 4 * pool_rate) / (invites + 4)
        return chance.astype(np.float32)

    @cached_property
    def occupancy(self) -> NDArray[np.float32]:
        """The expected share of the capacity in use: (active + accept·pending) / capacity."""
        expected = self.columns["active"] + self.accept * self.columns["pending"]
        share: NDArray[np.float64] = expected / np.maximum(self.columns["capacity"], 1)
        return share.astype(np.float32)

    @cached_property
    def has_room(self) -> NDArray[np.bool_]:
        return self.columns["accepting"] & (self.occupancy < 1) & (self.columns["capacity"] > 0)

    @cached_property
    def dead(self) -> NDArray[np.uint16]:
        """1 where the provider was removed or replaced."""
        return (~self.live).astype(np.uint16)

    def failing(self, condition: Callable[["Snapshot"], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Which rows fail the condition; cached by the equality of conditions."""
        fails = self._cached_failures.get(condition)
        if fails is None:
            fails = ~condition(self)
            if len(self._cached_failures) >= MAX_CACHED_CONDITIONS:
                self._cached_failures.clear()
            self._cached_failures[condition] = fails
        return fails

    @cached_property
    def _cached_failures(
        self,
    ) -> dict[Callable[["Snapshot"], NDArray[np.bool_]], NDArray[np.bool_]]:
        return {}

    def prices_in(self, unit: str) -> NDArray[np.float64]:
        """The lowest price of each row in cents per unit; NaN where no exact conversion exists."""
        prices = self._cached_prices.get(unit)
        if prices is None:
            factors = np.full(256, np.nan)
            factors[: len(PRICE_UNITS)] = [price_factor(name, unit) for name in PRICE_UNITS]
            prices = self.columns["price_min"] * factors[self.columns["price_unit"]]
            self._cached_prices[unit] = prices
        return prices

    @cached_property
    def _cached_prices(self) -> dict[str, NDArray[np.float64]]:
        return {}

    def gather(self, rows: NDArray[np.int64]) -> "GatheredRows":
        return GatheredRows(self, rows)

    def texts(self, row: int) -> dict[str, Any]:
        """A provider's own texts, decompressed on demand for the few who are shown."""
        unpacked: dict[str, Any] = json.loads(zlib.decompress(self.blobs[row]))
        return unpacked


class GatheredRows(dict[str, NDArray[Any]]):
    """The columns of some rows, gathered in one pass because the rows are far apart in memory."""

    def __init__(self, snapshot: Snapshot, rows: NDArray[np.int64]) -> None:
        super().__init__()
        self.snapshot, self.rows = snapshot, rows
        # Viewed as bytes: numpy would copy structured records field by field.
        dtype = snapshot.records.dtype
        as_bytes = snapshot.records.view(np.dtype((np.void, dtype.itemsize)))
        self._records = as_bytes.take(rows).view(dtype)

    def __missing__(self, name: str) -> NDArray[Any]:
        self[name] = np.ascontiguousarray(self._records[name])
        return self[name]


class PoolWriter:
    """Builds the snapshots of a pool. Not thread-safe: one writer at a time."""

    def __init__(self, layout: Layout, locate: Locate) -> None:
        self._layout = layout
        self._locate = locate
        dtype = record_type(layout)
        self._records = GrowingArray(dtype)
        self._columns = {
            name: GrowingArray(*_scalar_type(dtype[name])) for name in dtype.names or ()
        }
        for name, values in layout.sets.items():
            self._columns[f"set:{name}"] = GrowingArray(values.word_type, (values.words,))
        self._live = GrowingArray(np.bool_)
        self._documents = TextIndex()
        self._requests = TextIndex()
        self._request_owner = GrowingArray(np.int32)
        self._request_text = GrowingArray(np.uint32)
        self._takers: Counter[int] = Counter()  # live takers by the checksum of the request
        self._request_start = GrowingArray(np.int64)
        self._request_topics = GrowingArray(np.uint64, (layout.topics.words,))
        self._blobs: list[bytes] = []
        self._rows: dict[int, int] = {}
        self._totals = dict.fromkeys(_TOTALS, 0)

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, providers: Iterable[RankableProvider]) -> None:
        """Add providers or replace those with the same id. The last of two equal ids wins."""
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
        self._rows |= {
            provider.provider_id: first + offset for offset, provider in enumerate(batch)
        }
        self._add_to_totals(records, 1)

    def _put_requests(self, first_row: int, batch: Sequence[RankableProvider]) -> None:
        """Add the earlier requests of the batch; the statistics count equal ones once."""
        texts: list[str] = []
        owners, duplicates, topics, starts = [], [], [], []
        for row, provider in enumerate(batch, first_row):
            starts.append(len(self._requests) + len(texts))
            tags = [*provider.past_tags, *[()] * (len(provider.past) - len(provider.past_tags))]
            texts += provider.past[-MAX_PAST:]
            topics += [self._layout.topics.bits(t) for t in tags[: len(provider.past)][-MAX_PAST:]]
            owners += [row] * min(len(provider.past), MAX_PAST)
        checksums = [zlib.crc32(text.encode()) for text in texts]
        for checksum in checksums:
            self._takers[checksum] += 1
            duplicates.append(self._takers[checksum] > 1)
        self._requests.extend([[Counter(stems(text))] for text in texts], duplicates)
        self._request_start.extend(np.array(starts, np.int64))
        self._request_owner.extend(np.array(owners, np.int32))
        self._request_text.extend(np.array(checksums, np.uint32))
        bits = np.array(topics, np.uint64).reshape(len(texts), self._layout.topics.words)
        self._request_topics.extend(bits)

    def drop(self, provider_id: int) -> None:
        """Remove a provider. An unknown id is ignored."""
        row = self._rows.pop(provider_id, None)
        if row is None:
            return
        self._live.array[row] = False  # snapshots hold copies
        self._add_to_totals(self._records.array[row : row + 1], -1)
        self._documents.remove(row)
        request = int(self._request_start.array[row])
        owners = self._request_owner.array
        while request < len(owners) and owners[request] == row:
            checksum = int(self._request_text.array[request])
            self._takers[checksum] -= 1
            self._requests.remove(request, duplicate=self._takers[checksum] > 0)
            request += 1

    def snapshot(self) -> Snapshot:
        """Publish the current state, compacted first if many rows are dead."""
        dead = len(self._live) - len(self._rows)
        if dead > MIN_DEAD_ROWS and dead > MAX_DEAD_SHARE * len(self._live):
            self._compact()
        return Snapshot(
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

    def _add_to_totals(self, records: NDArray[np.void], sign: int) -> None:
        for name in _TOTALS:
            self._totals[name] += sign * int(records[name].sum())

    def _compact(self) -> None:
        live = self._live.array
        rows = np.flatnonzero(live)
        new_rows = np.cumsum(live) - 1
        requests = np.flatnonzero(live[self._request_owner.array])
        self._documents = self._documents.compacted(rows)
        self._requests = self._requests.compacted(requests)
        self._columns = {
            name: GrowingArray.of(column.array[rows]) for name, column in self._columns.items()
        }
        self._records = GrowingArray.of(self._records.array[rows])
        owners = new_rows[self._request_owner.array[requests]].astype(np.int32)
        self._request_owner = GrowingArray.of(owners)
        self._request_topics = GrowingArray.of(self._request_topics.array[requests])
        self._request_text = GrowingArray.of(self._request_text.array[requests])
        self._request_start = GrowingArray.of(np.searchsorted(owners, np.arange(len(rows))))
        self._blobs = [self._blobs[row] for row in rows.tolist()]
        self._live = GrowingArray.of(np.ones(len(rows), np.bool_))
        self._rows = {
            int(provider_id): row
            for row, provider_id in enumerate(self._columns["id"].array.tolist())
        }


def _scalar_type(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The scalar type and the shape of one field of a record."""
    return dtype.subdtype or (dtype, ())


def _document(provider: RankableProvider) -> list[Counter[str]]:
    """The stem counts of a provider's different passages."""
    stem_counts = (Counter(stems(passage)) for passage in dict.fromkeys(provider.passages))
    return [counts for counts in stem_counts if counts]


def _blob(layout: Layout, provider: RankableProvider) -> bytes:
    texts = {
        "passages": provider.passages,
        "place": provider.profile.get(layout.place or ""),
        "verified_on": {
            credential: day.isoformat() for credential, day in provider.verified_on.items()
        },
    }
    return zlib.compress(json.dumps(texts).encode(), 1)
