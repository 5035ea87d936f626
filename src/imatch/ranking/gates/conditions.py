"""The conditions behind gates. Equal conditions compare and hash equal.

A snapshot caches their results by equality, because most needs share most gates.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.layout import UNKNOWN_ORDINAL, has_bits
from imatch.ranking.pool.snapshots import Snapshot

Mask = NDArray[np.bool_]
MAX_LINEAR_EXCLUSIONS = 20  # with more, np.isin is faster than one pass for each


class Condition(Protocol):
    """A hashable predicate: which rows of a snapshot satisfy it, shape (rows,)."""

    def __hash__(self) -> int: ...

    def __call__(self, snapshot: Snapshot) -> Mask: ...


@dataclass(frozen=True, slots=True)
class HasRoom:
    def __call__(self, snapshot: Snapshot) -> Mask:
        return snapshot.has_room


@dataclass(frozen=True, slots=True)
class HasValues:
    """Any (or every) of the bits is set."""

    column: str
    bits: tuple[int, ...]
    every: bool

    def __call__(self, snapshot: Snapshot) -> Mask:
        mask = np.array(self.bits, np.uint64)
        return has_bits(snapshot.columns[self.column], mask, every=self.every)


@dataclass(frozen=True, slots=True)
class NobodyPasses:
    """Fails for every provider: the wanted value is one that nobody can state."""

    def __call__(self, snapshot: Snapshot) -> Mask:
        return np.zeros(snapshot.size, np.bool_)


@dataclass(frozen=True, slots=True)
class Equals:
    column: str
    value: int

    def __call__(self, snapshot: Snapshot) -> Mask:
        mask: Mask = snapshot.columns[self.column] == self.value
        return mask


@dataclass(frozen=True, slots=True)
class ValidOn:
    """An expiry date that is not before the day (an ordinal)."""

    column: str
    day: int

    def __call__(self, snapshot: Snapshot) -> Mask:
        mask: Mask = snapshot.columns[self.column] >= self.day
        return mask


@dataclass(frozen=True, slots=True)
class Reaches:
    """A known choice at or before the position in its vocabulary."""

    column: str
    position: int

    def __call__(self, snapshot: Snapshot) -> Mask:
        ordinals = snapshot.columns[self.column]
        mask: Mask = (ordinals <= self.position) & (ordinals != UNKNOWN_ORDINAL)
        return mask


@dataclass(frozen=True, slots=True)
class WithinBudget:
    unit: str
    high_cents: int

    def __call__(self, snapshot: Snapshot) -> Mask:
        mask: Mask = snapshot.prices_in(self.unit) <= self.high_cents
        return mask


@dataclass(frozen=True, slots=True)
class NotExcluded:
    """All providers except these."""

    provider_ids: frozenset[int]

    def __call__(self, snapshot: Snapshot) -> Mask:
        ids = snapshot.columns["id"]
        if len(self.provider_ids) > MAX_LINEAR_EXCLUSIONS:
            return ~np.isin(ids, np.fromiter(self.provider_ids, np.int64, len(self.provider_ids)))
        mask = np.ones(len(ids), np.bool_)
        for provider_id in self.provider_ids:
            mask &= ids != provider_id
        return mask
