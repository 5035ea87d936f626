"""Weekly decisions stay within their bounds and steer supply to its target."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imatch.pot.policy import controller

AMOUNTS = st.integers(min_value=0, max_value=10**12)
GROWTH = controller.weekly_growth(0.10)


def test_fifty_two_weeks_of_growth_make_a_year() -> None:
    assert pytest.approx(1.10) == (1 + GROWTH) ** 52
    assert controller.target_supply(10_000_000, 0.10, 52) == pytest.approx(11_000_000)
    assert controller.target_supply(10_000_000, 0.10, 0) == 10_000_000


def test_a_week_counts_half_after_the_half_life() -> None:
    mean = 1_000.0
    for _ in range(4):
        mean = controller.smoothed(mean, 0, 4)
    assert mean == pytest.approx(500)


def test_a_supply_on_its_course_is_minted_seven_eighths_of_it() -> None:
    minted = controller.mint(supply=10_000_000, leaving=8_000, growth=0.001, target=10_000_000)
    assert minted == 18_000 * 7 // 8


@given(supply=AMOUNTS, leaving=AMOUNTS, target=AMOUNTS)
def test_minting_is_never_negative_and_never_twice_the_course(
    supply: int, leaving: int, target: int
) -> None:
    minted = controller.mint(supply=supply, leaving=leaving, growth=GROWTH, target=target)
    assert 0 <= minted <= 2 * (leaving + GROWTH * supply)


@given(leaving=AMOUNTS, treasury=st.integers(-(10**12), 10**12), previous=AMOUNTS)
def test_a_budget_moves_by_an_eighth_at_most(leaving: int, treasury: int, previous: int) -> None:
    budget = controller.award_budget(leaving=leaving, treasury=treasury, previous=previous)
    assert int(0.875 * previous) <= budget <= 1.125 * previous


@given(leaving=AMOUNTS, treasury=AMOUNTS, previous=AMOUNTS, cap=st.integers(0, 10**9))
def test_a_budget_never_passes_the_monthly_cap(
    leaving: int, treasury: int, previous: int, cap: int
) -> None:
    budget = controller.award_budget(
        leaving=leaving, treasury=treasury, previous=previous, monthly_cap=cap
    )
    assert 0 <= budget * 52 <= cap * 12


@given(more=st.integers(0, 10**9), supply=st.integers(1, 10**9), leaving=st.integers(0, 10**9))
def test_a_higher_target_never_mints_less(more: int, supply: int, leaving: int) -> None:
    lower, higher = (
        controller.mint(supply=supply, leaving=leaving, growth=GROWTH, target=target)
        for target in (supply, supply + more)
    )
    assert higher >= lower


@given(
    start=st.integers(9_500_000, 10_500_000),
    leaving=st.integers(0, 30_000),
)
def test_supply_comes_to_its_course_within_two_years(start: int, leaving: int) -> None:
    """It settles below S* by as much as the rule's −b and −gS ask, about half a percent at most."""
    supply = start
    for week in range(104):
        target = controller.target_supply(10_000_000, 0.10, week)
        supply += controller.mint(supply=supply, leaving=leaving, growth=GROWTH, target=target)
        supply -= leaving
    assert supply == pytest.approx(controller.target_supply(10_000_000, 0.10, 104), rel=0.006)


def test_inflation_needs_a_month_and_is_provisional_for_three() -> None:
    def over(days: int) -> controller.Inflation | None:
        return controller.inflation(
            supply=10_200_000, earlier_supply=10_000_000, window=timedelta(days=days)
        )

    assert over(27) is None
    month, year = over(28), over(365)
    assert month
    assert month.provisional
    assert month.rate == pytest.approx(1.02 ** (365 / 28) - 1)
    assert year
    assert not year.provisional
    assert year.rate == pytest.approx(0.02)
