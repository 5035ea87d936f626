"""BM25 over documents of several texts: posting lists find candidates, a forward index scores them.

Documents are only ever appended. A writer adds and kills them, then `view()` freezes what readers
may see; a reader's view stays valid and unchanged while the writer goes on. New postings wait in
small arrays and are merged into the sorted ones when they become many. The statistics (how many
texts have a word, how long texts are) count live texts only: a changed pool scores like a fresh
one.
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

from imatch.ranking.text.growing_array import Growing

K1 = 1.2  # how fast repeated words stop counting
B = 0.75  # how much longer texts are discounted
TYPICAL_LENGTH = 60.0  # words; used for the rough impacts alone, which choose candidates
MAX_COUNT = 255  # of one word in one text
BEST_TEXTS = 10  # of a document; the i-th best counts 1/√i
MERGE_SHARE = 8  # merge when waiting postings exceed 1/8 of the sorted ones
MERGE_LEAST = 40_000
_KEY_TERM, _KEY_DOCUMENT = (
    np.uint64(40),
    np.uint64(8),
)  # shifts: term 24, document 32, impact 8 bits
_IMPACT = np.uint64(255)

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Postings:
    """Documents and rough impacts of term t lie in [starts[t], starts[t + 1])."""

    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    impacts: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Forward:
    """The texts of documents and the terms of texts, each as runs of the next."""

    first_text: NDArray[np.int64]  # by document
    texts: NDArray[np.int32]
    first_term: NDArray[np.int64]  # by text
    distinct: NDArray[np.int32]
    lengths: NDArray[np.int32]
    terms: NDArray[np.int32]  # entries
    counts: NDArray[np.uint8]


@dataclass(frozen=True)
class TextView:
    """The documents as they stood at one moment, for readers."""

    vocabulary: Mapping[str, int]
    frequencies: NDArray[np.int32]  # live texts with each term
    live_texts: int
    live_words: int
    sorted: Postings
    waiting: Mapping[int, "array[int]"]
    forward: Forward

    @property
    def size(self) -> int:
        """Documents, dead ones included."""
        return len(self.forward.first_text)

    @cached_property
    def mean_length(self) -> float:
        return max(self.live_words / max(self.live_texts, 1), 1.0)

    def query(self, stems: Mapping[str, float]) -> dict[int, float]:
        """Known terms with their weights: count in the query · rarity among the texts."""
        known = {}
        for stem, times in stems.items():
            term = self.vocabulary.get(stem, -1)
            if 0 <= term < len(self.frequencies) and self.frequencies[term] > 0:
                known[term] = times * self._rarity(int(self.frequencies[term]))
        return known

    def _rarity(self, seen: int) -> float:
        return math.log1p((self.live_texts - seen + 0.5) / (seen + 0.5))

    def rough(self, query: Mapping[int, float], most_postings: int) -> NDArray[np.float32]:
        """Approximate scores of all documents from the query's rarest terms, to choose candidates.

        Terms so common that they would exceed `most_postings` are left to the exact pass.
        """
        scores = np.zeros(self.size, np.float32)
        spent = 0
        for term in sorted(query, key=lambda t: (self.frequencies[t], t)):
            documents, impacts = self._postings(term)
            spent += len(documents)
            if spent > most_postings and spent > len(documents):
                break
            np.add.at(scores, documents, impacts * np.float32(query[term]))
        return scores

    def exact(self, query: Mapping[int, float], documents: Rows) -> Floats:
        """The score of each given document: BM25 of its texts, the i-th best counting 1/√i."""
        forward = self.forward
        sizes = forward.texts[documents]
        owners, texts = spread(forward.first_text[documents], sizes)
        scores = self._text_scores(query, texts)
        if len(texts) == len(documents) and (sizes == 1).all():
            return scores
        # Owners stand in order already; within one the best text comes first.
        order = np.argsort(owners - scores / (scores.max(initial=0.0) + 1))
        firsts = np.cumsum(sizes) - sizes
        places = np.arange(len(texts)) - firsts[owners]
        discounts = np.where(places < BEST_TEXTS, 1 / np.sqrt(places + 1), 0)
        return weighed_counts(owners, scores[order] * discounts, len(documents))

    def ceiling(self, query: Mapping[int, float]) -> float:
        """The score that a text would approach if it spoke of every term all the time."""
        return (K1 + 1) * math.fsum(query.values())

    def _text_scores(self, query: Mapping[int, float], texts: Rows) -> Floats:
        forward = self.forward
        distinct = forward.distinct[texts]
        ends = np.cumsum(distinct, dtype=np.int64)
        entries = np.repeat(forward.first_term[texts] - (ends - distinct), distinct)
        entries += np.arange(len(entries))
        lookup = np.full(len(self.frequencies), -1, np.int16)
        lookup[list(query)] = np.arange(len(query), dtype=np.int16)
        columns = lookup.take(forward.terms.take(entries))
        hits = (columns >= 0).nonzero()[0]  # a few in a hundred: only they are looked at closer
        places = np.repeat(np.arange(len(texts)), distinct).take(hits)
        counts = forward.counts[entries[hits]].astype(np.float64)
        weights = np.fromiter(query.values(), np.float64, len(query))[columns[hits]]
        discount = K1 * (1 - B + B * forward.lengths[texts] / self.mean_length)
        gains = weights * counts * (K1 + 1) / (counts + discount[places])
        return weighed_counts(places, gains, len(texts))

    def _postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        documents, impacts = np.empty(0, np.int32), np.empty(0, np.uint8)
        if term + 1 < len(self.sorted.starts):
            run = slice(self.sorted.starts[term], self.sorted.starts[term + 1])
            documents, impacts = self.sorted.documents[run], self.sorted.impacts[run]
        if waiting := self.waiting.get(term):
            # A copy in one step: the writer may be appending.
            packed = np.frombuffer(waiting.tobytes(), np.uint64)
            fresh = (packed >> _KEY_DOCUMENT).astype(np.int32)
            seen = fresh < self.size
            documents = np.concatenate([documents, fresh[seen]])
            impacts = np.concatenate([impacts, (packed & _IMPACT).astype(np.uint8)[seen]])
        return documents, impacts


def weighed_counts(places: NDArray[np.integer], weights: Floats, size: int) -> Floats:
    """The sum of the weights that fall on each place."""
    return np.bincount(places, weights, minlength=size).astype(np.float64, copy=False)


def spread(
    firsts: NDArray[np.integer], sizes: NDArray[np.integer]
) -> tuple[NDArray[np.int64], Rows]:
    """For runs [first, first + size): the run of every entry, and every entry's index."""
    places = np.repeat(np.arange(len(sizes)), sizes)
    offsets = firsts - (np.cumsum(sizes, dtype=np.int64) - sizes)
    return places, np.arange(len(places)) + offsets[places]


class TextIndex:
    """The writer's side. One writer at a time."""

    def __init__(self) -> None:
        # A new stem gets the next number when it is first looked up.
        self._vocabulary: defaultdict[str, int] = defaultdict()
        self._vocabulary.default_factory = self._vocabulary.__len__
        self._frequencies = np.zeros(1024, np.int32)
        self._frozen = False  # a reader holds the frequencies array
        self._sorted = Postings(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))
        self._waiting: dict[int, array[int]] = {}
        self._posted = 0  # documents whose postings are sorted or waiting
        self._waiting_count = 0
        self._first_text, self._texts = Growing(np.int64), Growing(np.int32)
        self._first_term, self._distinct = Growing(np.int64), Growing(np.int32)
        self._lengths = Growing(np.int32)
        self._terms, self._counts = Growing(np.int32), Growing(np.uint8)
        self._live_texts = 0
        self._live_words = 0

    def __len__(self) -> int:
        return len(self._first_text)

    def extend(
        self, documents: Sequence[Sequence[Counter[str]]], repeated: Sequence[bool] = ()
    ) -> None:
        """Add documents, each as the counted stems of its texts.

        A `repeated` one stands there already under another number: statistics count it once.
        """
        texts = list(chain.from_iterable(documents))
        sizes = np.fromiter(map(len, documents), np.int64, len(documents))
        distinct = np.fromiter(map(len, texts), np.int64, len(texts))
        terms = self._numbered(chain.from_iterable(texts))
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
        once = np.ones(len(texts), np.bool_)
        if len(repeated):
            once = np.repeat(~np.array(repeated, np.bool_), sizes)
        self._count(terms[once[places]], 1)
        self._live_texts += int(np.count_nonzero(once))
        self._live_words += int(lengths[once].sum())

    def kill(self, document: int, *, repeated: bool = False) -> None:
        """Take a document out of the statistics, unless it stands there under another number too.

        Whoever reads must leave it out of the results.
        """
        if repeated:
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
        """Freeze what was appended and killed so far. New documents become findable here."""
        self._post()
        self._frozen = True
        return TextView(
            vocabulary=self._vocabulary,
            frequencies=self._frequencies[: len(self._vocabulary)],
            live_texts=self._live_texts,
            live_words=self._live_words,
            sorted=self._sorted,
            waiting=self._waiting,
            forward=self._forward(),
        )

    def kept(self, documents: Rows) -> "TextIndex":
        """A fresh index of the given documents only, in their order: compaction.

        The statistics, of live texts only, stay as they are.
        """
        fresh = TextIndex()
        fresh._vocabulary = self._vocabulary
        fresh._frequencies = self._frequencies.copy()
        fresh._live_texts, fresh._live_words = self._live_texts, self._live_words
        fresh._absorb(self._forward(), documents)
        return fresh

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

    def _absorb(self, old: Forward, documents: Rows) -> None:
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

    def _numbered(self, stems: Iterable[str]) -> NDArray[np.int32]:
        """The numbers of stems, new ones included."""
        terms = np.array(list(map(self._vocabulary.__getitem__, stems)), np.int32)
        if len(self._vocabulary) > len(self._frequencies):
            grown = np.zeros(2 * len(self._vocabulary), np.int32)
            grown[: len(self._frequencies)] = self._frequencies
            self._frequencies, self._frozen = grown, False
        return terms

    def _count(self, terms: NDArray[np.int32], sign: int) -> None:
        """Add or take off the terms of texts in the statistics."""
        if self._frozen:
            self._frequencies, self._frozen = self._frequencies.copy(), False
        np.add.at(self._frequencies, terms, sign)

    def _post(self) -> None:
        """Make the documents appended since the last view findable."""
        first = int(self._first_text.array[self._posted]) if self._posted < len(self) else 0
        fresh = int(self._distinct.array[first:].sum()) if self._posted < len(self) else 0
        if self._waiting_count + fresh > max(
            MERGE_LEAST, len(self._sorted.documents) // MERGE_SHARE
        ):
            self._sort_all()
        elif fresh:
            for key in self._keys(self._posted).tolist():
                self._waiting.setdefault(key >> 40, array("Q")).append(key & 0xFF_FFFF_FFFF)
            self._waiting_count += fresh
        self._posted = len(self)

    def _sort_all(self) -> None:
        """Lay out all postings anew; who still reads the old ones keeps them."""
        keys = self._keys(0)
        terms = (keys >> _KEY_TERM).astype(np.int32)
        sizes = np.bincount(terms, minlength=len(self._vocabulary))
        del terms
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        impacts = (keys & _IMPACT).astype(np.uint8)
        keys >>= _KEY_DOCUMENT
        self._sorted = Postings(starts, (keys & np.uint64(0xFFFFFFFF)).astype(np.int32), impacts)
        self._waiting, self._waiting_count = {}, 0

    def _keys(self, first_document: int) -> NDArray[np.uint64]:
        """A sorted key for every term of every document from the given one on."""
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
    """Keys with one entry for each term and document: the impacts of its texts are added."""
    places = keys >> _KEY_DOCUMENT
    firsts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]])[: len(keys)])
    if len(firsts) == len(keys):
        return keys
    impacts = np.add.reduceat((keys & _IMPACT).astype(np.uint16), firsts)
    return (places[firsts] << _KEY_DOCUMENT) | np.minimum(impacts, 255).astype(np.uint64)
