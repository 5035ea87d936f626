"""What is known of one provider, in words, for the few people who are shown."""

from datetime import date
from functools import cached_property
from math import fsum
from typing import Any, cast

import numpy as np

from imatch.ranking.pool.columns import Frame
from imatch.ranking.pool.layout import PRICE_UNITS, UNKNOWN_STYLE, Words
from imatch.ranking.pool.records import RATING_UNITS
from imatch.ranking.pool.time_zones import hours_ahead
from imatch.ranking.query import TIME_ZONE, Asked
from imatch.ranking.scoring.criteria import distances_km
from imatch.ranking.text.stems import sentences, stems

LONGEST_SENTENCE = 240
READ_SENTENCES = 60


class Facts:
    """One provider's row, read back as labels and numbers."""

    def __init__(self, frame: Frame, row: int, asked: Asked) -> None:
        self._frame, self._row, self.asked = frame, row, asked

    def value(self, column: str) -> Any:  # noqa: ANN401 -- a cell of any column
        return self._frame.columns[column][self._row]

    def count(self, column: str) -> int:
        return int(self.value(column))

    @cached_property
    def _texts(self) -> dict[str, Any]:
        return self._frame.texts(self._row)

    @property
    def passages(self) -> list[str]:
        return list(self._texts["passages"])

    @cached_property
    def stems(self) -> frozenset[str]:
        """Of all that the provider wrote in public."""
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
        for name, mask in self.asked.wanted[criterion].masks.items():
            values, held = self.asked.layout.sets[name], self._held(criterion, name)
            labels += [values.labels[i] for i in values.named((held if stated else ~held) & mask)]
        return labels

    def _held(self, criterion: str, name: str) -> Words:
        """What a field states, with the criterion's other fields of the same values."""
        layout = self.asked.layout
        sets, held = layout.sets, self.value(f"set:{name}")
        for other in layout.definition.criteria[criterion].provider:
            if other in sets and sets[other].positions == sets[name].positions:
                held = held | self.value(f"set:{other}")
        return cast("Words", held)

    def checked(self, criterion: str) -> list[str]:
        """The labels of the wanted and stated values that an operator checked as credentials."""
        labels = []
        for name, mask in self.asked.wanted[criterion].masks.items():
            values = self.asked.layout.sets[name]
            stated = values.named(self.value(f"set:{name}") & mask)
            labels += [values.labels[i] for i in stated if self._is_checked(values.keys[i])]
        return labels

    def _is_checked(self, value: str) -> bool:
        """By the value: a designation and its credential may be labelled differently."""
        mask = self.asked.layout.credential_set.mask([value])
        return bool((self.value("verified") & mask).any())

    def credentials(self, *, verified: bool) -> list[str]:
        values = self.asked.layout.credential_set
        bits = self.value("verified")
        if not verified:
            bits = self.value("credentials") & ~bits
        return [values.labels[i] for i in values.named(bits)]

    @property
    def checked_on(self) -> date | None:
        """The day since which all that is verified was checked; None if one day is unknown."""
        days, values = self._texts["verified_on"], self.asked.layout.credential_set
        kinds = list(values.positions)
        known = [days.get(kinds[place]) for place in values.named(self.value("verified"))]
        return max(map(date.fromisoformat, known)) if known and all(known) else None

    def meets(self, format_name: str) -> bool:
        place = self.asked.layout.formats.positions.get(format_name)
        return place is not None and bool(int(self.value("set:formats")[0]) >> place & 1)

    @property
    def km(self) -> float | None:
        """How far from the seeker, or None where either place is unknown."""
        if self.asked.place is None:
            return None
        found = float(distances_km(self.asked.place, self.value("place")[None, :])[0])
        return None if np.isnan(found) else found

    @property
    def _time_zone(self) -> str:
        zones = self.asked.layout.sets.get(TIME_ZONE)
        held = zones.named(self.value(f"set:{TIME_ZONE}")) if zones else []
        return zones.keys[held[0]] if zones and held else ""

    @property
    def other_clock(self) -> bool:
        """Whether both named a time zone, and their clocks differ today."""
        own, wanted = self._time_zone, self.asked.need.answer(TIME_ZONE)
        return bool(own and wanted and hours_ahead(own, wanted, self.asked.today))

    @property
    def unknown_clock(self) -> bool:
        """Whether weekly times are compared as they stand, because a time zone is not known."""
        return not (self._time_zone and self.asked.need.answer(TIME_ZONE))

    @property
    def shared_windows(self) -> list[str]:
        """Weekly times of both, as this provider calls them."""
        values, by_zone = self.asked.layout.window_set, self.asked.windows_by_zone
        wanted = self.asked.windows
        if by_zone is not None:
            wanted = by_zone[self.value(f"ordinal:{TIME_ZONE}")]
        return [values.labels[i] for i in values.named(self.value("windows") & wanted)]

    @property
    def response_hours(self) -> float | None:
        given = float(self.value("response_hours"))
        return None if np.isnan(given) else given

    @property
    def price(self) -> tuple[int, int, str] | None:
        """Lowest and highest cents, and the unit."""
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
        """Scale's place -> -3..3, the scales that were set."""
        return {i: int(v) for i, v in enumerate(self.value("style")) if int(v) != UNKNOWN_STYLE}

    def day(self, column: str) -> date | None:
        ordinal = self.count(column)
        return date.fromordinal(ordinal) if ordinal > 0 else None

    @cached_property
    def best_sentence(self) -> str:
        """The provider's own sentence that says most of what the need tells; empty if none does."""
        telling = self.asked.telling
        best, best_score = "", 0.0
        for passage in self.passages:
            for sentence in sentences(passage)[:READ_SENTENCES]:
                words = stems(sentence)
                held = fsum(telling[stem] for stem in telling.keys() & words)
                score = held / (8 + len(words)) ** 0.5
                if score > best_score:
                    best, best_score = sentence, score
        return (
            best
            if len(best) <= LONGEST_SENTENCE
            else best[:LONGEST_SENTENCE].rsplit(" ", 1)[0] + " …"
        )
