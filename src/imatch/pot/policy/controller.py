"""The weekly POT to mint and to award: pure arithmetic.

Symbols: S supply (of treasury and people), b POT leaving supply per week (burned, redeemed, clawed
back; smoothed), g growth per week, S* target supply, M minted, D award budget. A proportional
controller corrects an eighth of the gap S* − S per week. M is bounded between 0 and twice the
amount that replaces b and adds the planned growth, so that no week is extreme.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

WEEKS_PER_YEAR = 52
DAYS_PER_YEAR = 365
MIN_HISTORY_DAYS = 28  # the inflation of a younger supply says nothing
PROVISIONAL_DAYS = 90


@dataclass(frozen=True, slots=True)
class Inflation:
    """Growth of supply per year, as a share; `provisional` while the history is short."""

    rate: float
    provisional: bool


def weekly_growth(yearly_growth: float) -> float:
    """Growth g = (1 + yearly)^(1/52) − 1, so that a year of weeks compounds to it."""
    return math.pow(1 + yearly_growth, 1 / WEEKS_PER_YEAR) - 1


def target_supply(genesis: int, yearly_growth: float, weeks: float) -> float:
    """S* = genesis · (1 + yearly)^(t/52), with t in weeks since genesis."""
    return genesis * math.pow(1 + yearly_growth, weeks / WEEKS_PER_YEAR)


def smoothed(previous: float, this_week: float, half_life_weeks: float) -> float:
    """Exponentially weighted mean: the weight of a week halves in `half_life_weeks`."""
    weight = math.pow(0.5, 1 / half_life_weeks)
    return weight * previous + (1 - weight) * this_week


def mint(
    *, supply: int, leaving: float, growth: float, target: float, correction_weeks: float = 8
) -> int:
    """M = clip(b + gS + (S* − S − b − gS)/8, 0, 2b + 2gS), in whole POT, rounded down."""
    steady = leaving + growth * supply
    desired = steady + (target - supply - steady) / correction_weeks
    return math.floor(_clip(desired, 0, 2 * steady))


def award_budget(
    *,
    leaving: float,
    treasury: int,
    previous: int,
    treasury_share: float = 0.005,
    smallest_step: float = 0.875,
    largest_step: float = 1.125,
    monthly_cap: int | None = None,
) -> int:
    """D = clip(b + .005·treasury, .875·D₋₁, 1.125·D₋₁), at most the monthly cap's weekly part.

    An overdrawn treasury counts as empty. The steps bound the change from week to week, so that
    people can rely on being paid. The cap overrides the steps: it is the agreed maximum.
    """
    desired = leaving + treasury_share * max(treasury, 0)
    stepped = _clip(desired, smallest_step * previous, largest_step * previous)
    if monthly_cap is not None:
        stepped = min(stepped, weekly_part(monthly_cap))
    return math.floor(stepped)


def weekly_part(monthly: int) -> int:
    """The weekly part of a monthly amount: monthly · 12/52, rounded down."""
    return monthly * 12 // WEEKS_PER_YEAR


def inflation(*, supply: int, earlier_supply: int, window: timedelta) -> Inflation | None:
    """(S_t / S_{t−W})^(365/W) − 1 with W = min(age, 365) days; None before W is 28 days."""
    days = window / timedelta(days=1)
    if days < MIN_HISTORY_DAYS or earlier_supply <= 0 or supply <= 0:
        return None
    rate = math.pow(supply / earlier_supply, DAYS_PER_YEAR / days) - 1
    return Inflation(rate, provisional=days < PROVISIONAL_DAYS)


def _clip(value: float, lower: float, upper: float) -> float:
    return min(max(value, lower), upper)
