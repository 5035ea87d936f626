"""How numbers, money, days and counts read, by default and in other languages."""

import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from subprocess import run

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from imatch.core.money import Money, usd
from imatch.web import formats

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 2, 23, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (999, "999"), (-1_234_567, "-1,234,567"), (1234.5, "1,234.5"), (Decimal(2), "2")],
)
def test_numbers_are_grouped(value: float | Decimal, words: str) -> None:
    assert formats.number(value) == words


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        (82.25, 1, "82.2"),
        (0.15, 1, "0.1"),
        (3.6, 0, "4"),
        (1234.567, 2, "1,234.57"),
        (7, 2, "7.00"),
    ],
)
def test_decimals_are_rounded_as_printf_rounds(value: float, digits: int, words: str) -> None:
    assert formats.number(value, digits) == words


@given(st.floats(-(10**9), 10**9), st.integers(0, 6))
def test_no_decimal_differs_from_printf(value: float, digits: int) -> None:
    assert formats.number(value, digits) == f"{value:,.{digits}f}"


@given(st.integers(-(10**18), 10**18))
def test_the_fast_way_to_group_digits_is_that_of_the_locale(value: int) -> None:
    assert formats.number(value) == formats.number(Decimal(value))


def test_limits_and_changes() -> None:
    assert formats.exact(0.0005) == "0.0005"
    assert formats.exact(10**12) == "1,000,000,000,000"
    assert [formats.signed(change) for change in (1_200, 0, -1_200)] == ["+1,200", "+0", "-1,200"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (950, "950"),
        (1_000, "1K"),
        (1_240, "1.2K"),
        (12_345, "12K"),
        (345_678, "346K"),
        (5_600_000, "5.6M"),
        (-1_240, "-1.2K"),
    ],
)
def test_figures_in_few_characters(value: int, words: str) -> None:
    assert formats.compact(value) == words


def test_shares() -> None:
    assert formats.percent(0.416) == "42%"
    assert formats.percent(0.416, digits=1) == "41.6%"
    assert formats.percent(0.4, digits=1) == "40%"
    rates = [formats.rate(basis_points) for basis_points in (2_000, 1_250, 1, 0)]
    assert rates == ["20%", "12.5%", "0.01%", "0%"]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (usd(18_000), "$180"),
        (usd(18_050), "$180.50"),
        (usd(5), "$0.05"),
        (usd(-500), "-$5"),
        (usd(100_000_000_000), "$1,000,000,000"),
        (Money(120_000, "EUR"), "€1,200"),
    ],
)
def test_money_shows_cents_only_where_there_are_any(amount: Money, words: str) -> None:
    assert formats.money(amount) == words


def test_counts_and_their_nouns() -> None:
    assert formats.plural(1, "person", "people") == "1 person"
    assert formats.plural(1_200, "person", "people") == "1,200 people"
    assert formats.plural(0, "rating") == "0 ratings"
    assert formats.noun(1, "must-have") == "must-have"
    assert formats.noun(2, "must-have") == "must-haves"


def test_days_and_times() -> None:
    assert formats.day(date(2026, 11, 2)) == "2 Nov 2026"
    assert formats.day(LATE) == "2 Nov 2026"
    assert formats.day(LATE, "Europe/Berlin") == "3 Nov 2026"
    assert formats.day_of_month(LATE) == "2 Nov"
    assert formats.long_day(LATE) == "2 November 2026"
    assert formats.moment(LATE) == "2 Nov 2026, 23:30 UTC"
    assert formats.long_moment(LATE) == "2 November 2026, 23:30 UTC"
    assert formats.time_of_day(LATE) == "23:30:05"
    assert formats.sortable(LATE) == "2026-11-02 23:30 UTC"


def test_spans_from_now() -> None:
    with time_machine.travel(NOON, tick=False):
        assert formats.ago(NOON - timedelta(hours=3)) == "3 hours ago"
        assert formats.ago(NOON + timedelta(days=2)) == "in 2 days"


def test_another_locale_brings_its_own_ways() -> None:
    german, french = "de_DE", "fr_FR"
    assert formats.number(12_345, locale=german) == "12.345"
    assert formats.number(1234.5, 2, locale=german) == "1.234,50"
    assert formats.money(usd(150_050), locale=german) == "1.500,50\N{NO-BREAK SPACE}$"
    assert formats.money(usd(150_000), locale=german) == "1.500\N{NO-BREAK SPACE}$"
    assert formats.percent(0.125, 1, locale=german) == "12,5\N{NO-BREAK SPACE}%"
    assert formats.long_day(LATE, locale=german) == "2 November 2026"
    assert formats.long_day(date(2026, 3, 4), locale=german) == "4 März 2026"
    assert formats.plural(0, "jour", locale=french) == "0 jour"
    assert formats.plural(2, "jour", locale=french) == "2 jours"
    with time_machine.travel(NOON, tick=False):
        assert formats.ago(NOON - timedelta(hours=3), locale=german) == "vor 3 Stunden"


def test_business_code_can_import_them_without_the_web_framework() -> None:
    framework = "{'fastapi', 'starlette'}"
    code = f"import sys; from imatch.web import formats; print({framework} & {{*sys.modules}})"
    printed = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "set()"
