"""BM25 over documents of several texts: posting lists find candidates, a forward index scores them.

Source of the formula: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009).

Documents are append-only. A writer adds and removes them, then `view()` publishes an immutable view
that stays valid while the writer continues. New postings are kept in small pending arrays and
merged into the sorted ones when there are many. The statistics (document frequencies and text
lengths) count live texts only, so that an updated pool scores like a newly built one.
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.text.growing_array import GrowingArray
from imatch.ranking.types import Rows

K1 = 1.2  # term frequency saturation
B = 0.75  # length normalization
TYPICAL_LENGTH = 60.0  # words; used only for the rough impacts that choose candidates
MAX_COUNT = 255  # of one word in one text
MAX_TEXTS = 10  # scored of a document; the i-th best counts 1/√i
MERGE_SHARE = 8  # merge when pending postings exceed 1/8 of the sorted ones
MIN_MERGE_POSTINGS = 40_000
_KEY_TERM, _KEY_DOCUMENT = (
    np.uint64(40),
    np.uint64(8),
)  # shifts: term 24, document 32, impact 8 bits
_IMPACT = np.uint64(255)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Postings:
    """Sorted posting lists: those of term t are at [starts[t], starts[t + 1])."""

    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    impacts: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Forward:
    """The forward index: each document is a run of texts, each text a run of term entries."""

    first_text: NDArray[np.int64]  # by document
    texts: NDArray[np.int32]  # by document, how many
    first_term: NDArray[np.int64]  # by text
    distinct: NDArray[np.int32]  # by text, how many different terms
    lengths: NDArray[np.int32]  # by text, in words
    terms: NDArray[np.int32]  # by entry
    counts: NDArray[np.uint8]  # by entry, at most MAX_COUNT


@dataclass(frozen=True)
class TextView:
    """An immutable view of the documents, for readers."""

    vocabulary: Mapping[str, int]
    frequencies: NDArray[np.int32]  # live texts with each term
    live_texts: int
    live_words: int
    sorted: Postings
    pending: Mapping[int, "array[int]"]
    forward: Forward

    @property
    def size(self) -> int:
        """The number of documents, including removed ones."""
        return len(self.forward.first_text)

    @cached_property
    def mean_length(self) -> float:
        return max(self.live_words / max(self.live_texts, 1), 1.0)

    def term_weights(self, stem_counts: Mapping[str, float]) -> dict[int, float]:
        """Weights of the known terms: count in the query · inverse document frequency."""
        weights = {}
        for stem, count in stem_counts.items():
            term = self.vocabulary.get(stem, -1)
            if 0 <= term < len(self.frequencies) and self.frequencies[term] > 0:
                weights[term] = count * self._rarity(int(self.frequencies[term]))
        return weights

    def _rarity(self, text_count: int) -> float:
        return math.log1p((self.live_texts - text_count + 0.5) / (text_count + 0.5))

    def rough_scores(
        self, term_weights: Mapping[int, float], max_postings: int
    ) -> NDArray[np.float32]:
        """Approximate scores of all documents by the rarest query terms, to choose candidates.

        Returns shape (documents,). Stops before the terms that would exceed `max_postings`.
        """
        scores = np.zeros(self.size, np.float32)
        read = 0
        for term in sorted(term_weights, key=lambda t: (self.frequencies[t], t)):
            documents, impacts = self._postings(term)
            read += len(documents)
            if read > max_postings and read > len(documents):
                break
            np.add.at(scores, documents, impacts * np.float32(term_weights[term]))
        return scores

    def exact_scores(self, term_weights: Mapping[int, float], documents: Rows) -> Floats:
        """The score of each document: the sum of its texts' BM25, the i-th best times 1/√i."""
        forward = self.forward
        sizes = forward.texts[documents]
        owners, texts = spread(forward.first_text[documents], sizes)
        scores = self._text_scores(term_weights, texts)
        if len(texts) == len(documents) and (sizes == 1).all():
            return scores
        # Sort by document, then by descending score.
        order = np.argsort(owners - scores / (scores.max(initial=0.0) + 1))
        firsts = np.cumsum(sizes) - sizes
        ranks = np.arange(len(texts)) - firsts[owners]
        discounts = np.where(ranks < MAX_TEXTS, 1 / np.sqrt(ranks + 1), 0)
        return weighed_counts(owners, scores[order] * discounts, len(documents))

    def ceiling(self, term_weights: Mapping[int, float]) -> float:
        """The upper bound of a text's score: every term with infinite frequency."""
        return (K1 + 1) * math.fsum(term_weights.values())

    def _text_scores(self, term_weights: Mapping[int, float], texts: Rows) -> Floats:
        forward = self.forward
        distinct = forward.distinct[texts]
        ends = np.cumsum(distinct, dtype=np.int64)
        entries = np.repeat(forward.first_term[texts] - (ends - distinct), distinct)
        entries += np.arange(len(entries))
        lookup = np.full(len(self.frequencies), -1, np.int16)
        lookup[list(term_weights)] = np.arange(len(term_weights), dtype=np.int16)
        columns = lookup.take(forward.terms.take(entries))
        hits = (columns >= 0).nonzero()[0]  # only a few percent of all entries
        text_indices = np.repeat(np.arange(len(texts)), distinct).take(hits)
        counts = forward.counts[entries[hits]].astype(np.float64)
        weights = np.fromiter(term_weights.values(), np.float64, len(term_weights))[columns[hits]]
        discount = K1 * (1 - B + B * forward.lengths[texts] / self.mean_length)
        gains = weights * counts * (K1 + 1) / (counts + discount[text_indices])
        return weighed_counts(text_indices, gains, len(texts))

    def _postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        documents, impacts = np.empty(0, np.int32), np.empty(0, np.uint8)
        if term + 1 < len(self.sorted.starts):
            run = slice(self.sorted.starts[term], self.sorted.starts[term + 1])
            documents, impacts = self.sorted.documents[run], self.sorted.impacts[run]
        if pending := self.pending.get(term):
            # `tobytes` copies atomically: the writer may be appending.
            packed = np.frombuffer(pending.tobytes(), np.uint64)
            new_documents = (packed >> _KEY_DOCUMENT).astype(np.int32)
            visible = new_documents < self.size
            documents = np.concatenate([documents, new_documents[visible]])
            impacts = np.concatenate([impacts, (packed & _IMPACT).astype(np.uint8)[visible]])
        return documents, impacts


def weighed_counts(places: NDArray[np.integer], weights: Floats, size: int) -> Floats:
    """The sum of the weights at each place; shape (size,)."""
    return np.bincount(places, weights, minlength=size).astype(np.float64, copy=False)


def spread(
    firsts: NDArray[np.integer], sizes: NDArray[np.integer]
) -> tuple[NDArray[np.int64], Rows]:
    """For runs [first, first + size): the run number and the index of each entry."""
    places = np.repeat(np.arange(len(sizes)), sizes)
    offsets = firsts - (np.cumsum(sizes, dtype=np.int64) - sizes)
    return places, np.arange(len(places)) + offsets[places]


class TextIndex:
    """The index that a writer changes. Not thread-safe: one writer at a time."""

    def __init__(self) -> None:
        # Looking up a new stem assigns it the next number.
        self._vocabulary: defaultdict[str, int] = defaultdict()
        self._vocabulary.default_factory = self._vocabulary.__len__
        self._frequencies = np.zeros(1024, np.int32)
        self._shared = False  # a view uses the frequencies array: copy before writing
        self._sorted = Postings(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))
        self._pending: dict[int, array[int]] = {}
        self._indexed = 0  # documents whose postings are sorted or pending
        self._pending_count = 0
        self._first_text, self._texts = GrowingArray(np.int64), GrowingArray(np.int32)
        self._first_term, self._distinct = GrowingArray(np.int64), GrowingArray(np.int32)
        self._lengths = GrowingArray(np.int32)
        self._terms, self._counts = GrowingArray(np.int32), GrowingArray(np.uint8)
        self._live_texts = 0
        self._live_words = 0

    def __len__(self) -> int:
        return len(self._first_text)

    def extend(
        self, documents: Sequence[Sequence[Counter[str]]], duplicates: Sequence[bool] = ()
    ) -> None:
        """Add documents, each as the counted stems of its texts.

        `duplicates` flags documents that the index already has under another number: the
        statistics count them once.
        """
        texts = list(chain.from_iterable(documents))
        sizes = np.fromiter(map(len, documents), np.int64, len(documents))
        distinct = np.fromiter(map(len, texts), np.int64, len(texts))
        terms = self._term_numbers(chain.from_iterable(texts))
        counts = np.fromiter(
            chain.from_iterable(text.values() for text in texts), np.int64, len(terms)
        )
        places = np.repeat(np.arange(len(texts)), distinct)
        lengths = weighed_counts(places, counts.astype(np.float64), len(texts)).astype(np.int32)
        self._first_text.extend(len(self._distinct) + np.cumsum(sizes) - sizes)
        self._texts.extend(sizes)
        self._first_term.extend(len(self._terms) + np.cumsum(distinct) - distinct)
        self._distinct.extend(distinct)
        self._lengths.extend(lengths)
        self._terms.extend(terms)
        self._counts.extend(np.minimum(counts, MAX_COUNT))
        first_copies = np.ones(len(texts), np.bool_)
        if len(duplicates):
            first_copies = np.repeat(~np.array(duplicates, np.bool_), sizes)
        self._count(terms[first_copies[places]], 1)
        self._live_texts += int(np.count_nonzero(first_copies))
        self._live_words += int(lengths[first_copies].sum())

    def remove(self, document: int, *, duplicate: bool = False) -> None:
        """Remove a document from the statistics, unless it is a duplicate of a live one.

        The document itself remains: readers must exclude it from results.
        """
        if duplicate:
            return
        first = int(self._first_text.array[document])
        texts = slice(first, first + int(self._texts.array[document]))
        sizes = self._distinct.array[texts]
        if len(sizes):
            start = int(self._first_term.array[first])
            self._count(self._terms.array[start : start + int(sizes.sum())], -1)
        self._live_texts -= len(sizes)
        self._live_words -= int(self._lengths.array[texts].sum())

    def view(self) -> TextView:
        """Publish the changes so far as an immutable view."""
        self._index_new()
        self._shared = True
        return TextView(
            vocabulary=self._vocabulary,
            frequencies=self._frequencies[: len(self._vocabulary)],
            live_texts=self._live_texts,
            live_words=self._live_words,
            sorted=self._sorted,
            pending=self._pending,
            forward=self._forward(),
        )

    def compacted(self, documents: Rows) -> "TextIndex":
        """A new index of the given documents only, in their order.

        The statistics do not change: they count live texts only.
        """
        index = TextIndex()
        index._vocabulary = self._vocabulary
        index._frequencies = self._frequencies.copy()
        index._live_texts, index._live_words = self._live_texts, self._live_words
        index._copy_documents(self._forward(), documents)
        return index

    def _forward(self) -> Forward:
        return Forward(
            self._first_text.array,
            self._texts.array,
            self._first_term.array,
            self._distinct.array,
            self._lengths.array,
            self._terms.array,
            self._counts.array,
        )

    def _copy_documents(self, old: Forward, documents: Rows) -> None:
        sizes = old.texts[documents]
        _, texts = spread(old.first_text[documents], sizes)
        distinct = old.distinct[texts]
        _, entries = spread(old.first_term[texts], distinct)
        self._first_text.extend(np.cumsum(sizes, dtype=np.int64) - sizes)
        self._texts.extend(sizes)
        self._first_term.extend(np.cumsum(distinct, dtype=np.int64) - distinct)
        self._distinct.extend(distinct)
        self._lengths.extend(old.lengths[texts])
        self._terms.extend(old.terms[entries])
        self._counts.extend(old.counts[entries])

    def _term_numbers(self, stems: Iterable[str]) -> NDArray[np.int32]:
        """The term numbers of stems; new stems get new numbers."""
        terms = np.array(list(map(self._vocabulary.__getitem__, stems)), np.int32)
        if len(self._vocabulary) > len(self._frequencies):
            larger = np.zeros(2 * len(self._vocabulary), np.int32)
            larger[: len(self._frequencies)] = self._frequencies
            self._frequencies, self._shared = larger, False
        return terms

    def _count(self, terms: NDArray[np.int32], sign: int) -> None:
        """Add `sign` to the document frequency of each term."""
        if self._shared:
            self._frequencies, self._shared = self._frequencies.copy(), False
        np.add.at(self._frequencies, terms, sign)

    def _index_new(self) -> None:
        """Add postings of the documents appended since the last view."""
        first = int(self._first_text.array[self._indexed]) if self._indexed < len(self) else 0
        new_entries = int(self._distinct.array[first:].sum()) if self._indexed < len(self) else 0
        if self._pending_count + new_entries > max(
            MIN_MERGE_POSTINGS, len(self._sorted.documents) // MERGE_SHARE
        ):
            self._merge_all()
        elif new_entries:
            for key in self._posting_keys(self._indexed).tolist():
                self._pending.setdefault(key >> 40, array("Q")).append(key & 0xFF_FFFF_FFFF)
            self._pending_count += new_entries
        self._indexed = len(self)

    def _merge_all(self) -> None:
        """Rebuild the sorted postings of all documents. Existing views keep the old arrays."""
        keys = self._posting_keys(0)
        terms = (keys >> _KEY_TERM).astype(np.int32)
        sizes = np.bincount(terms, minlength=len(self._vocabulary))
        del terms
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        impacts = (keys & _IMPACT).astype(np.uint8)
        keys >>= _KEY_DOCUMENT
        self._sorted = Postings(starts, (keys & np.uint64(0xFFFFFFFF)).astype(np.int32), impacts)
        self._pending, self._pending_count = {}, 0

    def _posting_keys(self, first_document: int) -> NDArray[np.uint64]:
        """Sorted keys (term, document, impact) of the documents from the given one on."""
        sizes = self._texts.array[first_document:]
        first = int(self._first_text.array[first_document]) if len(sizes) else 0
        documents = np.repeat(np.arange(first_document, len(self), dtype=np.uint32), sizes)
        distinct = self._distinct.array[first:]
        start = int(self._first_term.array[first]) if len(distinct) else len(self._terms)
        discounts = K1 * (
            1 - B + B * self._lengths.array[first:].astype(np.float32) / TYPICAL_LENGTH
        )
        keys = self._terms.array[start:].astype(np.uint64) << np.uint64(32)
        keys |= np.repeat(documents, distinct)
        keys <<= _KEY_DOCUMENT
        counts = self._counts.array[start:]
        shares = counts / (counts + np.repeat(discounts, distinct))
        keys |= np.maximum(np.rint(shares * 127), 1).astype(np.uint8)
        keys.sort()
        return _merged(keys)


def _merged(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One key for each term and document, with the sum of its texts' impacts."""
    places = keys >> _KEY_DOCUMENT
    firsts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]])[: len(keys)])
    if len(firsts) == len(keys):
        return keys
    impacts = np.add.reduceat((keys & _IMPACT).astype(np.uint16), firsts)
    return (places[firsts] << _KEY_DOCUMENT) | np.minimum(impacts, 255).astype(np.uint64)
