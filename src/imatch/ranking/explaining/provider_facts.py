"""The facts about one provider in words, for the few who are shown."""

from datetime import date
from functools import cached_property
from math import fsum
from typing import Any, cast

import numpy as np

from imatch.ranking.pool.layout import PRICE_UNITS, UNKNOWN_STYLE, Words
from imatch.ranking.pool.records import RATING_UNITS
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.pool.time_zones import hours_ahead
from imatch.ranking.query import TIME_ZONE, Query
from imatch.ranking.scoring.criteria import distances_km
from imatch.ranking.text.stems import sentences, stems

MAX_SENTENCE_LENGTH = 240
MAX_SENTENCES_READ = 60


class ProviderFacts:
    """One provider's row of a snapshot, decoded into labels and numbers."""

    def __init__(self, snapshot: Snapshot, row: int, query: Query) -> None:
        self._snapshot, self._row, self.query = snapshot, row, query

    def value(self, column: str) -> Any:  # noqa: ANN401 -- a cell of any column
        return self._snapshot.columns[column][self._row]

    def count(self, column: str) -> int:
        return int(self.value(column))

    @cached_property
    def _texts(self) -> dict[str, Any]:
        return self._snapshot.texts(self._row)

    @property
    def passages(self) -> list[str]:
        return list(self._texts["passages"])

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all the provider's public texts."""
        return frozenset(stem for passage in self.passages for stem in stems(passage))

    @property
    def city(self) -> str:
        return str((self._texts["place"] or {}).get("city") or "")

    def offered(self, criterion: str) -> list[str]:
        """The labels of the wanted values that this provider states."""
        return self._labels(criterion, stated=True)

    def missing(self, criterion: str) -> list[str]:
        """The labels of the wanted values that this provider does not state."""
        return self._labels(criterion, stated=False)

    def _labels(self, criterion: str, *, stated: bool) -> list[str]:
        labels = []
        for name, mask in self.query.wanted[criterion].masks.items():
            values, bits = self.query.layout.sets[name], self._stated_bits(criterion, name)
            labels += [
                values.labels[i] for i in values.positions_in((bits if stated else ~bits) & mask)
            ]
        return labels

    def _stated_bits(self, criterion: str, name: str) -> Words:
        """The bits stated in a field or in the criterion's other fields of the same values."""
        layout = self.query.layout
        sets, bits = layout.sets, self.value(f"set:{name}")
        for other in layout.definition.criteria[criterion].provider:
            if other in sets and sets[other].positions == sets[name].positions:
                bits = bits | self.value(f"set:{other}")
        return cast("Words", bits)

    def checked(self, criterion: str) -> list[str]:
        """The labels of the wanted, stated values that an operator verified as credentials."""
        labels = []
        for name, mask in self.query.wanted[criterion].masks.items():
            values = self.query.layout.sets[name]
            stated = values.positions_in(self.value(f"set:{name}") & mask)
            labels += [values.labels[i] for i in stated if self._is_checked(values.keys[i])]
        return labels

    def _is_checked(self, value: str) -> bool:
        """Compares values: a designation and its credential may have different labels."""
        mask = self.query.layout.credential_set.mask([value])
        return bool((self.value("verified") & mask).any())

    def credentials(self, *, verified: bool) -> list[str]:
        values = self.query.layout.credential_set
        bits = self.value("verified")
        if not verified:
            bits = self.value("credentials") & ~bits
        return [values.labels[i] for i in values.positions_in(bits)]

    @property
    def checked_on(self) -> date | None:
        """The latest day of a check, when all were verified; None if any day is unknown."""
        days, values = self._texts["verified_on"], self.query.layout.credential_set
        types = list(values.positions)
        check_days = [
            days.get(types[position]) for position in values.positions_in(self.value("verified"))
        ]
        return max(map(date.fromisoformat, check_days)) if check_days and all(check_days) else None

    def meets(self, format_name: str) -> bool:
        position = self.query.layout.formats.positions.get(format_name)
        return position is not None and bool(int(self.value("set:formats")[0]) >> position & 1)

    @property
    def km(self) -> float | None:
        """Distance from the seeker; None if either place is unknown."""
        if self.query.place is None:
            return None
        distance_km = float(distances_km(self.query.place, self.value("place")[None, :])[0])
        return None if np.isnan(distance_km) else distance_km

    @property
    def _time_zone(self) -> str:
        zones = self.query.layout.sets.get(TIME_ZONE)
        positions = zones.positions_in(self.value(f"set:{TIME_ZONE}")) if zones else []
        return zones.keys[positions[0]] if zones and positions else ""

    @property
    def other_clock(self) -> bool:
        """Whether both sides named a time zone and their clocks differ today."""
        own, wanted = self._time_zone, self.query.need.answer(TIME_ZONE)
        return bool(own and wanted and hours_ahead(own, wanted, self.query.today))

    @property
    def unknown_clock(self) -> bool:
        """Whether weekly times are compared unconverted, because a time zone is unknown."""
        return not (self._time_zone and self.query.need.answer(TIME_ZONE))

    @property
    def shared_windows(self) -> list[str]:
        """Labels of the weekly times that suit both, by this provider's clock."""
        values, by_zone = self.query.layout.window_set, self.query.windows_by_zone
        wanted = self.query.windows
        if by_zone is not None:
            wanted = by_zone[self.value(f"ordinal:{TIME_ZONE}")]
        return [values.labels[i] for i in values.positions_in(self.value("windows") & wanted)]

    @property
    def response_hours(self) -> float | None:
        hours = float(self.value("response_hours"))
        return None if np.isnan(hours) else hours

    @property
    def price(self) -> tuple[int, int, str] | None:
        """Lowest and highest price in cents, and the unit; None if not stated."""
        low, unit = self.count("price_min"), self.count("price_unit")
        if low < 0 or unit >= len(PRICE_UNITS):
            return None
        return low, self.count("price_max"), PRICE_UNITS[unit]

    @property
    def mean_rating(self) -> float | None:
        count = self.count("rating_count")
        return self.count("rating_points") / RATING_UNITS / count if count else None

    @property
    def styles(self) -> dict[int, int]:
        """Index of the style scale -> -3..3, for the scales that were set."""
        return {i: int(v) for i, v in enumerate(self.value("style")) if int(v) != UNKNOWN_STYLE}

    def day(self, column: str) -> date | None:
        ordinal = self.count(column)
        return date.fromordinal(ordinal) if ordinal > 0 else None

    @cached_property
    def best_sentence(self) -> str:
        """The provider's sentence with the most informative stems of the need; empty if none."""
        informative = self.query.informative
        best, best_score = "", 0.0
        for passage in self.passages:
            for sentence in sentences(passage)[:MAX_SENTENCES_READ]:
                words = stems(sentence)
                weight = fsum(informative[stem] for stem in informative.keys() & words)
                score = weight / (8 + len(words)) ** 0.5
                if score > best_score:
                    best, best_score = sentence, score
        return (
            best
            if len(best) <= MAX_SENTENCE_LENGTH
            else best[:MAX_SENTENCE_LENGTH].rsplit(" ", 1)[0] + " …"
        )
