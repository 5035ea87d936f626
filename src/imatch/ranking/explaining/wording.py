"""Phrases for lists, prices, distances and hours."""

from collections.abc import Sequence

from imatch.core.money import usd
from imatch.web.formats import money, number, plural

KM_PER_MILE = 1.609344
NEARBY_KM = 2.0
UNITS = {
    "session": "a session",
    "hour": "an hour",
    "project": "a project",
    "month": "a month",
    "year": "a year",
}
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def join_list(items: Sequence[str]) -> str:
    """Items joined as “one, two and three”; with semicolons if an item contains a comma."""
    if len(items) < 2:  # noqa: PLR2004 -- a list has two items
        return "".join(items)
    if any("," in item for item in items):
        return f"{'; '.join(items[:-1])}; and {items[-1]}"
    return f"{', '.join(items[:-1])} and {items[-1]}"


def spelled(count: int) -> str:
    """A count in words up to ten: four people, but 11 people."""
    return _SMALL[count] if count < len(_SMALL) else number(count)


def price_range(low_cents: int | None, high_cents: int | None, unit: str) -> str:
    """For example: $15,000 to $30,000 a year. Prices and budgets are in US dollars."""
    low, high = money(usd(low_cents or 0)), money(usd(high_cents or 0))
    if not low_cents:
        amount = f"up to {high}"
    elif high_cents is None or high_cents == low_cents:
        amount = low
    else:
        amount = f"{low} to {high}"
    return f"{amount} {UNITS.get(unit, '')}".strip()


def distance(km: float) -> str:
    """For example: about 8 miles (13 km) away."""
    if km < NEARBY_KM:
        return "close to you"
    return f"about {number(max(1, round(km / KM_PER_MILE)))} miles ({number(round(km))} km) away"


def lower_first(label: str) -> str:
    """A label for use inside a sentence: "Tax planning" becomes "tax planning", "CFP" stays."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def hours(value: float) -> str:
    """A duration in hours or days, for example: 5 hours."""
    if value < 1:
        return "an hour"
    if value < 48:  # noqa: PLR2004 -- two days
        return plural(max(1, round(value)), "hour")
    return plural(round(value / 24), "day")
