"""How numbers, money, days and counts read: in pages, letters, messages and the terminal.

Everybody writes them through here, so that they read the same everywhere and follow one locale.
Pure, and without the web framework: business code may import it.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers

from imatch.core import clock
from imatch.core.i18n import LOCALE
from imatch.core.money import Money

_BASIS_POINTS = 10_000  # in a whole


# ---- numbers ----


def number(value: float | Decimal, digits: int | None = None, *, locale: str = LOCALE) -> str:
    """12,345 or 1,234.5; with `digits`, exactly as many decimals, rounded as printf does."""
    if digits is not None:
        # What was computed in floats rounds as floats do: the parts of a printed sum add up.
        value = Decimal(f"{value:.{digits}f}")
        return _applied(_decimals("#,##0", "0" * digits), value, locale)
    if isinstance(value, int) and locale == LOCALE:
        return f"{value:,}"  # the same as below, and much faster on pages with long tables
    return numbers.format_decimal(value, locale=_locale(locale))


def exact(value: float, *, locale: str = LOCALE) -> str:
    """A limit with all its decimals: 0.0005 or 1,000,000."""
    return numbers.format_decimal(value, decimal_quantization=False, locale=_locale(locale))


def signed(value: int, *, locale: str = LOCALE) -> str:
    """A change: +1,200 or -1,200."""
    return ("+" if value >= 0 else "") + number(value, locale=locale)


def compact(value: int, *, locale: str = LOCALE) -> str:
    """A number in few characters: 950, 1.2K, 34K, 5.6M."""
    leading = len(str(abs(value))) % 3  # digits before the unit; 0 stands for three
    digits = 1 if leading == 1 else 0
    return numbers.format_compact_decimal(value, fraction_digits=digits, locale=_locale(locale))


def percent(ratio: float | Decimal, digits: int = 0, *, locale: str = LOCALE) -> str:
    """12%, or up to `digits` decimals: 12.5%."""
    pattern = _decimals(_locale(locale).percent_formats[None].pattern, "#" * digits)
    return _applied(pattern, ratio, locale)


def rate(basis_points: int, *, locale: str = LOCALE) -> str:
    """Basis points as a percentage: 2,000 are 20%, 1,250 are 12.5%."""
    return percent(Decimal(basis_points) / _BASIS_POINTS, 2, locale=locale)


def plural(count: int, one: str, many: str | None = None, *, locale: str = LOCALE) -> str:
    """The count with its noun: `plural(2, "person", "people")` is "2 people"."""
    return f"{number(count, locale=locale)} {noun(count, one, many, locale=locale)}"


def noun(count: int, one: str, many: str | None = None, *, locale: str = LOCALE) -> str:
    """The noun for a count that stands elsewhere: "rating" for 1, "ratings" for 2."""
    return one if _locale(locale).plural_form(count) == "one" else many or f"{one}s"


# ---- money ----


@lru_cache(maxsize=4096)  # a list of people shows the same round prices again and again
def money(amount: Money, *, locale: str = LOCALE) -> str:
    """$1,500 or $1,500.50: cents only where there are any."""
    pattern = _locale(locale).currency_formats["standard"].pattern
    if amount.cents % 100 == 0:
        pattern = pattern.replace(".00", "")
    return _applied(pattern, amount.units, locale, currency=amount.currency)


# ---- days and times ----


def day(value: date | datetime, zone: str = "UTC", *, locale: str = LOCALE) -> str:
    """4 Mar 2026; of a moment, the day that it is in the zone."""
    return _short_day(_local_day(value, zone), locale)


@lru_cache(maxsize=10_000)
def _short_day(value: date, locale: str) -> str:
    return dates.format_date(value, "d MMM y", locale=_locale(locale))


def long_day(value: date | datetime, zone: str = "UTC", *, locale: str = LOCALE) -> str:
    """4 March 2026, for sentences and letters."""
    return dates.format_date(_local_day(value, zone), "d MMMM y", locale=_locale(locale))


def day_of_month(value: datetime, *, locale: str = LOCALE) -> str:
    """4 Mar, where the year is plain."""
    return dates.format_date(_local_day(value, "UTC"), "d MMM", locale=_locale(locale))


def moment(value: datetime, zone: str = "UTC", *, locale: str = LOCALE) -> str:
    """4 Mar 2026, 14:05 UTC."""
    local = value.astimezone(ZoneInfo(zone))
    words = dates.format_datetime(local, "d MMM y, HH:mm", locale=_locale(locale))
    return f"{words} {local.tzname()}"


def long_moment(value: datetime, *, locale: str = LOCALE) -> str:
    """4 March 2026, 14:05 UTC, for sentences and letters."""
    pattern = "d MMMM y, HH:mm 'UTC'"
    return dates.format_datetime(value.astimezone(UTC), pattern, locale=_locale(locale))


def time_of_day(value: datetime, *, locale: str = LOCALE) -> str:
    """14:05:09, in UTC."""
    return dates.format_time(value.astimezone(UTC), "HH:mm:ss", locale=_locale(locale))


def sortable(value: datetime) -> str:
    """2026-03-04 14:05 UTC, for tables in a terminal."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(value: datetime, *, locale: str = LOCALE) -> str:
    """Relative to now, past or future: "3 hours ago", "in 2 days"."""
    span = value - clock.now()
    return dates.format_timedelta(span, add_direction=True, locale=_locale(locale))


def _local_day(value: date | datetime, zone: str) -> date:
    return value.astimezone(ZoneInfo(zone)).date() if isinstance(value, datetime) else value


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


def _applied(
    pattern: str, value: float | Decimal, locale: str, *, currency: str | None = None
) -> str:
    parsed, rules = _pattern(pattern), _locale(locale)
    return str(parsed.apply(value, rules, currency=currency, currency_digits=False))


@cache
def _pattern(pattern: str) -> numbers.NumberPattern:
    return numbers.parse_pattern(pattern)


def _decimals(pattern: str, digits: str) -> str:
    """A pattern of whole numbers with decimals: `#,##0%` and `##` make `#,##0.##%`."""
    return pattern.replace("0", f"0.{digits}") if digits else pattern
