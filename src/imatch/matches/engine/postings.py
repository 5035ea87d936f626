"""BM25 over texts that change: posting lists to find candidates, a forward index to score them exactly.

Rows are only ever appended. A writer adds and kills rows, then `view()` freezes what readers may see; a
reader's view stays valid and unchanged while the writer goes on. New postings wait in a small table
of arrays and are merged into the sorted ones when they become many.
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imatch.matches.engine.growing import Growing

K1 = 1.2  # how fast repeated words stop counting
B = 0.75  # how much longer texts are discounted
TYPICAL_LENGTH = 80.0  # words; used for the rough impacts alone, which choose candidates
MAX_COUNT = 255  # of one word in one text
MERGE_SHARE = 8  # merge when waiting postings exceed 1/8 of the sorted ones
MERGE_LEAST = 40_000

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Posting lists one after the other: rows and rough impacts of term t in [starts[t], starts[t+1])."""

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    impacts: NDArray[np.uint8]


@dataclass(frozen=True)
class TextView:
    """The texts as they stood at one moment, for readers."""

    vocabulary: Mapping[str, int]
    size: int  # rows, dead ones included
    live: int
    words: int  # in live rows
    frequencies: NDArray[np.int32]  # live rows with each term
    sorted: _Sorted
    waiting: Mapping[int, "array[int]"]
    starts: NDArray[np.int64]  # forward index: the terms of row r begin at starts[r]
    distinct: NDArray[np.int32]  # and are this many
    lengths: NDArray[np.int32]
    terms: NDArray[np.int32]
    counts: NDArray[np.uint8]

    @cached_property
    def mean_length(self) -> float:
        return self.words / self.live if self.live else 1.0

    def query(self, stems: Mapping[str, float]) -> dict[int, float]:
        """Known terms with their weights: count in the query · rarity among the texts."""
        known = {}
        for stem, times in stems.items():
            term = self.vocabulary.get(stem, -1)
            if 0 <= term < len(self.frequencies) and self.frequencies[term] > 0:
                known[term] = times * self.rarity(term)
        return known

    def rarity(self, term: int) -> float:
        seen = int(self.frequencies[term])
        return math.log1p((self.live - seen + 0.5) / (seen + 0.5))

    def rough(self, query: Mapping[int, float], most_postings: int) -> Floats:
        """Approximate scores of all rows, from the query's weightiest terms; only to choose candidates.

        Terms so common that they would exceed `most_postings` are left to the exact pass.
        """
        scores = np.zeros(self.size, np.float32)
        spent = 0
        for term in sorted(query, key=lambda t: (self.frequencies[t], t)):
            spent += int(self.frequencies[term])
            if spent > most_postings and scores.any():
                break
            rows, impacts = self._postings(term)
            scores[rows] += impacts * np.float32(query[term])
        return scores

    def exact(self, query: Mapping[int, float], rows: Rows) -> Floats:
        """The BM25 score of each given row."""
        places, columns, counts = self._matches(query, rows)
        if not len(places):
            return np.zeros(len(rows), np.float32)
        weights = np.fromiter(query.values(), np.float32, len(query))
        discount = K1 * (1 - B + B * self.lengths[rows] / np.float32(self.mean_length))
        gains = (
            weights[columns] * counts * (K1 + 1) / (counts + discount.astype(np.float32)[places])
        )
        return np.bincount(places, gains, minlength=len(rows)).astype(np.float32)

    def ceiling(self, query: Mapping[int, float]) -> float:
        """The score that a text would approach if it spoke of every term all the time."""
        return (K1 + 1) * math.fsum(query.values())

    def covered(self, query: Mapping[int, float], rows: Rows) -> Floats:
        """The share, 0..1, of the query's weight whose terms each row contains at all."""
        places, columns, _ = self._matches(query, rows)
        weights = np.fromiter(query.values(), np.float32, len(query))
        total = weights.sum() if len(weights) else 1.0
        if not len(places):
            return np.zeros(len(rows), np.float32)
        held = np.bincount(places, weights[columns], minlength=len(rows))
        return (held / total).astype(np.float32)

    def _postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        rows, impacts = np.empty(0, np.int32), np.empty(0, np.uint8)
        if term + 1 < len(self.sorted.starts):
            start, end = self.sorted.starts[term], self.sorted.starts[term + 1]
            rows, impacts = self.sorted.rows[start:end], self.sorted.impacts[start:end]
        if waiting := self.waiting.get(term):
            # A copy in one step: the writer may be appending.
            packed = np.frombuffer(waiting.tobytes(), np.uint64)
            fresh = (packed >> np.uint64(8)).astype(np.int32)
            seen = fresh < self.size
            rows = np.concatenate([rows, fresh[seen]])
            impacts = np.concatenate([impacts, (packed & np.uint64(255)).astype(np.uint8)[seen]])
        return rows, impacts

    def _matches(
        self, query: Mapping[int, float], rows: Rows
    ) -> tuple[NDArray[np.intp], NDArray[np.int16], Floats]:
        """Where given rows contain query terms: place in `rows`, place in the query, count."""
        places, entries = spread(self.starts[rows], self.distinct[rows])
        lookup = np.full(len(self.frequencies), -1, np.int16)
        lookup[list(query)] = np.arange(len(query), dtype=np.int16)
        columns = lookup[self.terms[entries]]
        hits = np.flatnonzero(columns >= 0)
        return places[hits], columns[hits], self.counts[entries[hits]].astype(np.float32)


def spread(
    starts: NDArray[np.integer], sizes: NDArray[np.integer]
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """For runs [start, start + size): the run of every entry, and every entry's index."""
    places = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.cumsum(sizes, dtype=np.int64)
    offsets = starts.astype(np.int64) - (ends - sizes)
    total = int(ends[-1]) if len(ends) else 0
    return places, np.arange(total, dtype=np.int64) + offsets[places]


class TextIndex:
    """The writer's side. One writer at a time."""

    def __init__(self) -> None:
        self._vocabulary: dict[str, int] = {}
        self._frequencies = np.zeros(1024, np.int32)
        self._sorted = _Sorted(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))
        self._waiting: dict[int, array[int]] = {}
        self._waiting_count = 0
        self._terms = Growing(np.int32)
        self._counts = Growing(np.uint8)
        self._starts = Growing(np.int64)
        self._distinct = Growing(np.int32)
        self._lengths = Growing(np.int32)
        self._live = 0
        self._words = 0
        self._shared = False  # the frequencies array is in a reader's hands

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, stems: Counter[str]) -> int:
        """Add a text as its counted stems; returns its row."""
        row = len(self._starts)
        terms = np.fromiter((self._term(stem) for stem in stems), np.int32, len(stems))
        counts = np.minimum(np.fromiter(stems.values(), np.int64, len(stems)), MAX_COUNT)
        length = stems.total()
        self._starts.append(len(self._terms))
        self._distinct.append(len(terms))
        self._lengths.append(length)
        self._terms.extend(terms)
        self._counts.extend(counts.astype(np.uint8))
        self._own_frequencies()[terms] += 1
        self._live += 1
        self._words += length
        return row

    def kill(self, row: int) -> None:
        """Take a text out of the statistics; whoever reads must leave its row out of the results."""
        self._own_frequencies()[self._terms_of(row)] -= 1
        self._live -= 1
        self._words -= int(self._lengths.array[row])

    def view(self) -> TextView:
        """Freeze what was appended and killed so far. Postings become findable here."""
        self._post()
        self._shared = True
        return TextView(
            vocabulary=self._vocabulary,
            size=len(self._starts),
            live=self._live,
            words=self._words,
            frequencies=self._frequencies[: len(self._vocabulary)],
            sorted=self._sorted,
            waiting=self._waiting,
            starts=self._starts.array,
            distinct=self._distinct.array,
            lengths=self._lengths.array,
            terms=self._terms.array,
            counts=self._counts.array,
        )

    def kept(self, rows: Rows) -> "TextIndex":
        """A fresh index of the given rows only, in their order: compaction."""
        fresh = TextIndex()
        fresh._vocabulary = self._vocabulary.copy()  # noqa: SLF001 -- a constructor of its own kind
        fresh._frequencies = np.zeros_like(self._frequencies)  # noqa: SLF001
        fresh._absorb(self, rows)  # noqa: SLF001
        return fresh

    def _absorb(self, other: "TextIndex", rows: Rows) -> None:
        distinct = other._distinct.array[rows]
        _, entries = spread(other._starts.array[rows], distinct)
        terms = other._terms.array[entries]
        lengths = other._lengths.array[rows]
        self._terms.extend(terms)
        self._counts.extend(other._counts.array[entries])
        self._starts.extend(np.cumsum(distinct, dtype=np.int64) - distinct)
        self._distinct.extend(distinct)
        self._lengths.extend(lengths)
        self._frequencies += np.bincount(terms, minlength=len(self._frequencies)).astype(np.int32)
        self._live = len(rows)
        self._words = int(lengths.sum(dtype=np.int64))

    def _term(self, stem: str) -> int:
        term = self._vocabulary.setdefault(stem, len(self._vocabulary))
        if term >= len(self._frequencies):
            self._frequencies = np.concatenate(
                [self._frequencies, np.zeros(len(self._frequencies), np.int32)]
            )
            self._shared = False
        return term

    def _own_frequencies(self) -> NDArray[np.int32]:
        if self._shared:
            self._frequencies = self._frequencies.copy()
            self._shared = False
        return self._frequencies

    def _terms_of(self, row: int) -> NDArray[np.int32]:
        start = int(self._starts.array[row])
        return self._terms.array[start : start + int(self._distinct.array[row])]

    def _posted(self) -> int:
        return len(self._sorted.rows) + self._waiting_count

    def _post(self) -> None:
        """Make the entries appended since the last view findable."""
        total = len(self._terms)
        fresh = total - self._posted()
        if self._waiting_count + fresh > max(MERGE_LEAST, len(self._sorted.rows) // MERGE_SHARE):
            self._sort_all()
            return
        first = self._posted()
        terms = self._terms.array[first:total]
        row = int(np.searchsorted(self._starts.array, first, side="right")) - 1
        ends = self._starts.array[row:] + self._distinct.array[row:]
        rows = row + np.searchsorted(ends, np.arange(first, total), side="right")
        impacts = self._impacts(self._counts.array[first:total], self._lengths.array[rows])
        packed = (rows.astype(np.uint64) << np.uint64(8)) | impacts
        for term, posting in zip(terms.tolist(), packed.tolist(), strict=True):
            self._waiting.setdefault(term, array("Q")).append(posting)
        self._waiting_count += fresh

    def _sort_all(self) -> None:
        """Sort every posting by term and row; one 64-bit key each: term 24, row 32, impact 8 bits."""
        rows = np.repeat(
            np.arange(len(self._starts), dtype=np.uint64), self._distinct.array.astype(np.int64)
        )
        impacts = self._impacts(self._counts.array, self._lengths.array[rows.astype(np.int64)])
        keys = (rows << np.uint64(8)) | impacts
        del rows, impacts
        keys |= self._terms.array.astype(np.uint64) << np.uint64(40)
        keys.sort()
        sizes = np.bincount(self._terms.array, minlength=len(self._vocabulary))
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        impacts = (keys & np.uint64(255)).astype(np.uint8)
        keys >>= np.uint64(8)
        keys &= np.uint64(0xFFFFFFFF)
        self._sorted = _Sorted(starts, keys.astype(np.int32), impacts)
        self._waiting, self._waiting_count = {}, 0

    @staticmethod
    def _impacts(counts: NDArray[np.uint8], lengths: NDArray[np.int32]) -> NDArray[np.uint8]:
        discount = K1 * (1 - B + B * lengths.astype(np.float32) / TYPICAL_LENGTH)
        share = counts / (counts + discount)
        return np.maximum(np.rint(share * 255), 1).astype(np.uint8)
