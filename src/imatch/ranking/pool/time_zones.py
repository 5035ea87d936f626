"""Weekly times by the clocks of two people: Tuesday evening here is Wednesday morning there."""

from collections.abc import Iterable
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from imatch.categories.checks import DAYS, PARTS_OF_DAY, WINDOWS
from imatch.ranking.pool.layout import UNKNOWN_ORDINAL, ValueSet

HOURS = {"morning": (8, 12), "afternoon": (12, 17), "evening": (17, 21)}  # of each part of a day
LEAST_SHARED_HOURS = 2  # two weekly times with less in common are not the same
_HOURS_A_WEEK = 7 * 24
_SPANS = {
    f"{day}_{part}": (24 * number + HOURS[part][0], 24 * number + HOURS[part][1])
    for number, day in enumerate(DAYS)
    for part in PARTS_OF_DAY
}


def hours_ahead(zone: str, of: str, day: date) -> float | None:
    """How far one zone's clocks are before another's at noon of a day; None for unknown zones."""
    try:
        here, there = (datetime.combine(day, time(12), ZoneInfo(z)).utcoffset() for z in (zone, of))
    except (KeyError, ValueError):  # an operator may have edited the vocabulary
        return None
    return None if here is None or there is None else (here - there).total_seconds() / 3600


def windows_elsewhere(windows: Iterable[str], hours: float) -> list[str]:
    """The weekly times, by clocks that are so many hours ahead, that share two hours with these."""
    spans = [_SPANS[window] for window in windows]
    return [
        name
        for name, span in _SPANS.items()
        if any(_shared_hours(own, span, hours) >= LEAST_SHARED_HOURS for own in spans)
    ]


def _shared_hours(own: tuple[int, int], other: tuple[int, int], hours: float) -> float:
    """What two spans of a week have in common, once the first is read on the other's clock."""
    return max(
        min(own[1] + moved, other[1]) - max(own[0] + moved, other[0])
        for moved in (hours - _HOURS_A_WEEK, hours, hours + _HOURS_A_WEEK)
    )


@lru_cache(maxsize=64)
def windows_by_zone(
    windows: tuple[str, ...], zone: str, day: date, zones: tuple[str, ...]
) -> NDArray[np.uint64]:
    """Weekly times of somebody in `zone`, as bits, as people in each of the zones call them.

    A row for each zone's place in the vocabulary; in the others the times stand as they were given,
    for who named no zone.
    """
    week = ValueSet.of(WINDOWS)
    rows = np.tile(week.mask(windows), (UNKNOWN_ORDINAL + 1, 1))
    for place, other in enumerate(zones[:UNKNOWN_ORDINAL]):
        hours = hours_ahead(other, zone, day)
        if hours is not None:
            rows[place] = week.mask(windows_elsewhere(windows, hours))
    rows.flags.writeable = False
    return rows
