"""How many POT to mint and how many to award in a week: arithmetic and nothing else.

Symbols: S supply (treasury and people's), b POT leaving it in a week (burned, redeemed, clawed
back; smoothed), g growth a week, S* where supply should be, M minted, D the award budget. The
rule corrects an eighth of the gap a week, as a proportional controller does, and is bounded on
both sides, so that no week can surprise: it never mints more than twice what holds the course.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

WEEKS_A_YEAR = 52
DAYS_A_YEAR = 365
FEWEST_DAYS = 28  # a younger supply has no inflation that means anything
PROVISIONAL_DAYS = 90


@dataclass(frozen=True, slots=True)
class Inflation:
    """How fast supply grows, as a share a year; `provisional` while the history is short."""

    rate: float
    provisional: bool


def weekly_growth(yearly_growth: float) -> float:
    """Growth g = (1 + yearly)^(1/52) − 1, so that a year of weeks compounds to it."""
    return math.pow(1 + yearly_growth, 1 / WEEKS_A_YEAR) - 1


def target_supply(genesis: int, yearly_growth: float, weeks: float) -> float:
    """S* = genesis · (1 + yearly)^(t/52), with t in weeks since genesis."""
    return genesis * math.pow(1 + yearly_growth, weeks / WEEKS_A_YEAR)


def smoothed(previous: float, this_week: float, half_life_weeks: float) -> float:
    """An exponentially weighted mean in which a week counts half after `half_life_weeks`."""
    kept = math.pow(0.5, 1 / half_life_weeks)
    return kept * previous + (1 - kept) * this_week


def mint(
    *, supply: int, leaving: float, growth: float, target: float, correction_weeks: float = 8
) -> int:
    """M = clip(b + gS + (S* − S − b − gS)/8, 0, 2b + 2gS), in whole POT, rounded down."""
    course = leaving + growth * supply
    wanted = course + (target - supply - course) / correction_weeks
    return math.floor(_clip(wanted, 0, 2 * course))


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

    An overdrawn treasury counts as empty. The steps bound how fast people's expectation of being
    paid can change; the cap is above them, since it is what the platform agreed to give at most.
    """
    wanted = leaving + treasury_share * max(treasury, 0)
    stepped = _clip(wanted, smallest_step * previous, largest_step * previous)
    if monthly_cap is not None:
        stepped = min(stepped, weekly_part(monthly_cap))
    return math.floor(stepped)


def weekly_part(monthly: int) -> int:
    """A week's part of a monthly amount: twelve months are fifty-two weeks."""
    return monthly * 12 // WEEKS_A_YEAR


def inflation(*, supply: int, earlier_supply: int, window: timedelta) -> Inflation | None:
    """(S_t / S_{t−W})^(365/W) − 1 with W = min(age, 365) days; None before W is 28 days."""
    days = window / timedelta(days=1)
    if days < FEWEST_DAYS or earlier_supply <= 0 or supply <= 0:
        return None
    rate = math.pow(supply / earlier_supply, DAYS_A_YEAR / days) - 1
    return Inflation(rate, provisional=days < PROVISIONAL_DAYS)


def _clip(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
