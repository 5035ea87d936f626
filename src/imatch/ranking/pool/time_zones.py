"""Weekly times in two time zones: Tuesday evening in one is Wednesday morning in another."""

from collections.abc import Iterable
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from imatch.categories.checks import DAYS, PARTS_OF_DAY, WINDOWS
from imatch.ranking.pool.layout import UNKNOWN_ORDINAL, ValueSet

HOURS = {
    "morning": (8, 12),
    "afternoon": (12, 17),
    "evening": (17, 21),
}  # start and end of each part of a day
MIN_SHARED_HOURS = 2  # weekly times that share less do not match
_HOURS_A_WEEK = 7 * 24
_SPANS = {
    f"{day}_{part}": (24 * number + HOURS[part][0], 24 * number + HOURS[part][1])
    for number, day in enumerate(DAYS)
    for part in PARTS_OF_DAY
}


def hours_ahead(zone: str, reference: str, day: date) -> float | None:
    """Hours from the reference zone's clock to this zone's, at noon of the day; None if unknown."""
    try:
        own, other = (
            datetime.combine(day, time(12), ZoneInfo(name)).utcoffset()
            for name in (zone, reference)
        )
    except (KeyError, ValueError):  # an operator may have edited the vocabulary
        return None
    return None if own is None or other is None else (own - other).total_seconds() / 3600


def windows_elsewhere(windows: Iterable[str], hours: float) -> list[str]:
    """The weekly times on a clock `hours` ahead that share at least two hours with `windows`."""
    spans = [_SPANS[window] for window in windows]
    return [
        name
        for name, span in _SPANS.items()
        if any(_shared_hours(own, span, hours) >= MIN_SHARED_HOURS for own in spans)
    ]


def _shared_hours(own: tuple[int, int], other: tuple[int, int], hours: float) -> float:
    """The overlap in hours of two spans of a week, `own` being shifted by `hours`."""
    return max(
        min(own[1] + shift, other[1]) - max(own[0] + shift, other[0])
        for shift in (hours - _HOURS_A_WEEK, hours, hours + _HOURS_A_WEEK)
    )


@lru_cache(maxsize=64)
def windows_by_zone(
    windows: tuple[str, ...], zone: str, day: date, zones: tuple[str, ...]
) -> NDArray[np.uint64]:
    """Weekly times of a person in `zone`, converted to each of `zones`, as bits.

    Returns shape (UNKNOWN_ORDINAL + 1, words): one row for each zone's position in the vocabulary.
    All other rows hold the times unconverted, for providers without a known zone.
    """
    week = ValueSet.of(WINDOWS)
    rows = np.tile(week.mask(windows), (UNKNOWN_ORDINAL + 1, 1))
    for row, other in enumerate(zones[:UNKNOWN_ORDINAL]):
        hours = hours_ahead(other, zone, day)
        if hours is not None:
            rows[row] = week.mask(windows_elsewhere(windows, hours))
    rows.flags.writeable = False
    return rows
