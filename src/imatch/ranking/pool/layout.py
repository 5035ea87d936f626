"""How the provider fields of a category map to numeric columns, derived from its definition."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.checks import WINDOWS
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Kind
from imatch.ranking.text.stems import stems

WORD_BITS = 64
_ALL_BITS = (1 << WORD_BITS) - 1
UNKNOWN_ORDINAL = 255
UNKNOWN_STYLE = -128
UNKNOWN_FLAG = 255
SET_KINDS = frozenset({Kind.TAGS, Kind.CHOICE})
PRICE_UNITS = ("session", "hour", "project", "month", "year")
EARTH_RADIUS_KM = 6371.0

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A vocabulary as bits: the value at position p is bit p % 64 of word p // 64."""

    positions: Mapping[str, int]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, options: Mapping[str, str]) -> "ValueSet":
        return cls(
            {value: position for position, value in enumerate(options)}, tuple(options.values())
        )

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.positions)

    @property
    def words(self) -> int:
        return max(1, -(-len(self.labels) // WORD_BITS))

    @property
    def word_type(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The smallest type for one word, to keep columns small."""
        return np.min_scalar_type((1 << min(max(len(self.labels), 1), WORD_BITS)) - 1)

    def bits(self, values: Iterable[str]) -> tuple[int, ...]:
        """64-bit words with the bits of these values set; unknown values are ignored."""
        all_bits = 0
        for value in values:
            position = self.positions.get(value)
            if position is not None:
                all_bits |= 1 << position
        if len(self.labels) <= WORD_BITS:
            return (all_bits,)
        return tuple(all_bits >> WORD_BITS * word & _ALL_BITS for word in range(self.words))

    def mask(self, values: Iterable[str]) -> Words:
        return np.array(self.bits(values), np.uint64)

    def positions_in(self, words: Words) -> list[int]:
        """The positions of the bits that are set."""
        bits = np.unpackbits(words.astype("<u8").view(np.uint8), bitorder="little")
        return np.flatnonzero(bits).tolist()


def price_factor(unit: str, wanted: str) -> float:
    """The factor from a price per `unit` to one per `wanted`; NaN if there is no exact one.

    Only months and years convert.
    """
    if unit == wanted:
        return 1.0
    months = {"month": 1, "year": 12}
    return months[wanted] / months[unit] if {unit, wanted} <= set(months) else float("nan")


def popcount(words: Words) -> NDArray[np.int64]:
    """The number of bits set in every row."""
    total: NDArray[np.int64] = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return total


def has_bits(
    column: NDArray[np.unsignedinteger[Any]], mask: Words, *, every: bool
) -> NDArray[np.bool_]:
    """Rows that have any (or every) bit of the mask."""
    passes = np.full(len(column), every)
    for word in np.flatnonzero(mask):
        wanted = column.dtype.type(mask[word])
        matching = column[:, word] & wanted
        passes = passes & (matching == wanted) if every else passes | (matching != 0)
    return passes


def as_values(answer: Any) -> list[str]:  # noqa: ANN401 -- an answer as JSON
    """A tags or choice answer as a list of vocabulary values; [] for anything else."""
    if isinstance(answer, list | tuple):
        return [value for value in answer if isinstance(value, str)]
    return [answer] if isinstance(answer, str) and answer else []


def as_day(answer: Any) -> int:  # noqa: ANN401 -- an answer as JSON
    """A date as its proleptic ordinal, 0 if unknown."""
    if isinstance(answer, str):
        try:
            answer = date.fromisoformat(answer)
        except ValueError:
            return 0
    return answer.toordinal() if isinstance(answer, date) else 0


class Layout:
    """What the engine derives from a category's definition: value sets, field pairs, topics."""

    def __init__(self, definition: CategoryDefinition) -> None:
        self.definition = definition
        self.sets = {
            name: ValueSet.of(definition.options(field))
            for name, field in definition.provider.items()
            if field.kind in SET_KINDS
        }
        self.credentials = next(
            (name for name, field in definition.provider.items() if field.kind is Kind.CREDENTIALS),
            None,
        )
        self.credential_set = ValueSet.of(
            definition.options(definition.provider[self.credentials]) if self.credentials else {}
        )
        self.formats = self.sets.get("formats", ValueSet.of({}))
        self.flags = _fields_of_kind(definition.provider, Kind.YES_NO)
        self.dates = _fields_of_kind(definition.provider, Kind.DATE)
        self.price = next(iter(_fields_of_kind(definition.provider, Kind.PRICE)), None)
        self.place = next(iter(_fields_of_kind(definition.provider, Kind.PLACE)), None)
        self.windows = next(iter(_fields_of_kind(definition.provider, Kind.WINDOWS)), None)
        self.window_set = ValueSet.of(WINDOWS)
        self.style = next(iter(_fields_of_kind(definition.provider, Kind.STYLE)), None)
        self.scales = tuple(scale.name for scale in definition.style_scales)
        expertise = definition.criteria.get("expertise_match")
        self.topic_fields = (
            tuple(name for name in expertise.provider if name in self.sets) if expertise else ()
        )
        self.topics = self._topics()
        self.topic_positions = {
            name: np.array(
                [self.topics.positions[value] for value in self.sets[name].positions], np.intp
            )
            for name in self.topic_fields
        }
        self.topic_stems = {
            value: frozenset(stems(label))
            for value, label in zip(self.topics.positions, self.topics.labels, strict=True)
        }

    def topic_weights(self, values: Iterable[str]) -> NDArray[np.float64]:
        """1 for each given topic, 0 for the others; shape (topics,)."""
        weights = np.zeros(len(self.topics.labels))
        weights[
            [self.topics.positions[value] for value in values if value in self.topics.positions]
        ] = 1
        return weights

    def unit(self, name: Any) -> int:  # noqa: ANN401 -- an answer as JSON
        """The index of a price unit, or UNKNOWN_ORDINAL."""
        return PRICE_UNITS.index(name) if name in PRICE_UNITS else UNKNOWN_ORDINAL

    def _topics(self) -> ValueSet:
        """Every topic that the expertise criterion compares, over all its provider fields."""
        labels: dict[str, str] = {}
        for name in self.topic_fields:
            values = self.sets[name]
            labels = {**dict(zip(values.positions, values.labels, strict=True)), **labels}
        return ValueSet.of(labels)

    def label(self, provider_field: str, value: str) -> str:
        values = self.sets[provider_field]
        return values.labels[values.positions[value]]

    def counterpart(self, seeker_field: str) -> str | None:
        """The provider field that answers a seeker field: by criterion, else by vocabulary."""
        wanted = self.definition.seeker[seeker_field]
        for criterion in self.definition.criteria.values():
            if seeker_field in criterion.seeker:
                for name in criterion.provider:
                    if name in self.sets and self._comparable(wanted, name):
                        return name
        for name in self.sets:
            if wanted.vocabulary and self.definition.provider[name].vocabulary == wanted.vocabulary:
                return name
        return None

    def _comparable(self, wanted: FieldDefinition, provider_field: str) -> bool:
        offered = self.definition.provider[provider_field]
        if wanted.vocabulary == offered.vocabulary:
            return True
        return bool(set(self.definition.options(wanted)) & set(self.sets[provider_field].positions))

    def masks(self, provider_fields: Iterable[str], wanted: Iterable[str]) -> dict[str, Words]:
        """The bits of the wanted values, by the first provider field that has each value."""
        by_field: dict[str, list[str]] = {}
        for value in dict.fromkeys(wanted):
            for name in provider_fields:
                if name in self.sets and value in self.sets[name].positions:
                    by_field.setdefault(name, []).append(value)
                    break
        return {name: self.sets[name].mask(values) for name, values in by_field.items()}


def unit_vector(place: tuple[float, float]) -> NDArray[np.float32]:
    """Latitude and longitude in degrees as a point on the unit sphere; shape (3,)."""
    latitude, longitude = map(math.radians, place)
    flat = math.cos(latitude)
    return np.array(
        (flat * math.cos(longitude), flat * math.sin(longitude), math.sin(latitude)), np.float32
    )


def unit_vectors(places: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """The same for many places; shape (places, 3)."""
    latitude, longitude = np.radians(np.array(places, np.float64).reshape(-1, 2)).T
    flat = np.cos(latitude)
    points = (flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude))
    return np.column_stack(points).astype(np.float32)


def _fields_of_kind(fields: Mapping[str, FieldDefinition], kind: Kind) -> tuple[str, ...]:
    return tuple(name for name, field in fields.items() if field.kind is kind)
