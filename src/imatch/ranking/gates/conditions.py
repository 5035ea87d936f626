"""What a rule asks of every provider: values that compare equal when they ask the same.

A frame remembers their answers by that equality: most needs share most of their rules.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imatch.ranking.pool.columns import Frame
from imatch.ranking.pool.layout import UNKNOWN_ORDINAL, has_bits

Mask = NDArray[np.bool_]
MANY = 20  # excluded people, beyond which one sorted look-up is quicker than a pass for each


class Condition(Protocol):
    """Hashable, and true of the providers of a frame or not."""

    def __hash__(self) -> int: ...

    def __call__(self, frame: Frame) -> Mask: ...


@dataclass(frozen=True, slots=True)
class HasRoom:
    def __call__(self, frame: Frame) -> Mask:
        return frame.has_room


@dataclass(frozen=True, slots=True)
class Holds:
    """One (or every) of the bits is set."""

    column: str
    bits: tuple[int, ...]
    every: bool

    def __call__(self, frame: Frame) -> Mask:
        mask = np.array(self.bits, np.uint64)
        return has_bits(frame.columns[self.column], mask, every=self.every)


@dataclass(frozen=True, slots=True)
class Nobody:
    """A value that no provider can state."""

    def __call__(self, frame: Frame) -> Mask:
        return np.zeros(frame.size, np.bool_)


@dataclass(frozen=True, slots=True)
class Equals:
    column: str
    value: int

    def __call__(self, frame: Frame) -> Mask:
        found: Mask = frame.columns[self.column] == self.value
        return found


@dataclass(frozen=True, slots=True)
class ValidOn:
    """A date of validity that has not passed on that day."""

    column: str
    day: int

    def __call__(self, frame: Frame) -> Mask:
        found: Mask = frame.columns[self.column] >= self.day
        return found


@dataclass(frozen=True, slots=True)
class Reaches:
    """A choice, known, no further in its vocabulary than the place."""

    column: str
    place: int

    def __call__(self, frame: Frame) -> Mask:
        ordinals = frame.columns[self.column]
        found: Mask = (ordinals <= self.place) & (ordinals != UNKNOWN_ORDINAL)
        return found


@dataclass(frozen=True, slots=True)
class WithinBudget:
    unit: str
    high_cents: int

    def __call__(self, frame: Frame) -> Mask:
        found: Mask = frame.prices_in(self.unit) <= self.high_cents
        return found


@dataclass(frozen=True, slots=True)
class Others:
    """Everybody but these."""

    provider_ids: frozenset[int]

    def __call__(self, frame: Frame) -> Mask:
        ids = frame.columns["id"]
        if len(self.provider_ids) > MANY:
            return ~np.isin(ids, np.fromiter(self.provider_ids, np.int64, len(self.provider_ids)))
        found = np.ones(len(ids), np.bool_)
        for provider_id in self.provider_ids:
            found &= ids != provider_id
        return found
