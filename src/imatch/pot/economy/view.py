"""The economy's figures for display: tiles with changes, chart points, and summaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from imatch.ledger import TransactionType
from imatch.pot.economy.dashboard import Dashboard
from imatch.pot.economy.figures import Day, Period
from imatch.pot.rules import EARNING_BY_NAME
from imatch.pot.shop.catalog import SPENDING_BY_NAME
from imatch.web import formats

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "365 days", "all": "All"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MAX_DAILY_POINTS = 400  # longer periods are shown by week, to stay readable
_SHADES = 8
_DAYS_PER_WEEK = 7
TONES = {
    TransactionType.EARN: "offer",
    TransactionType.SPEND: "seek",
    TransactionType.BURN: "seek",
    TransactionType.REDEEM: "match",
}
_TITLES = {name: rule.title for name, rule in (EARNING_BY_NAME | SPENDING_BY_NAME).items()}


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its `change`, in bold, against what `than` names; amounts in whole POT."""

    name: str
    title: str
    value: int
    change: str
    than: str
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """The sums of a day, or of the week that begins on it."""

    day: date
    earned: int
    spent: int
    burned: int
    redeemed: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The POT spent in an hour of a weekday, as number, as short text and as a shade."""

    amount: int
    short: str
    shade: int


def days_of(period: str) -> int | None:
    return None if period == "all" else int(period)


def tiles(dashboard: Dashboard, period: str) -> list[Tile]:
    """The tiles at the top of the page."""
    totals, shown = dashboard.totals, dashboard.period
    suffix = "all time" if period == "all" else PERIODS[period]
    span = f"against the {PERIODS[period]} before" if shown.before is not None else ""
    circulation = int(totals["total_pot_in_circulation"])
    first_day = "" if period == "all" else f"since {formats.day(shown.days[0].day)}"
    change, than = compared(circulation, shown.circulation_before if first_day else None, first_day)
    result = [
        Tile("circulation", "POT in circulation", circulation, change, than),
    ]
    for name in ("earned", "spent", "burned", "redeemed"):
        before = shown.before[name] if shown.before is not None else None
        change, than = compared(shown.totals[name], before, span)
        title = f"{name.capitalize()}, {suffix}"
        result.append(Tile(name, title, shown.totals[name], change, than, before))
    result.append(
        Tile(
            "users",
            "Users with POT",
            int(totals["users_with_pot"]),
            str(totals["participation_rate"]).replace("%", " %"),
            f"of {formats.number(totals['total_users'])}",
        )
    )
    before = _transactions_a_week_ago(dashboard.period)
    value = int(totals["transactions_last_7_days"])
    change, than = compared(value, before, "against the 7 days before")
    result.append(Tile("transactions", "Transactions, 7 days", value, change, than, before))
    return result


def _transactions_a_week_ago(shown: Period) -> int | None:
    """The transactions in the 7 days before the last 7; None if the period does not cover them."""
    if len(shown.days) >= 2 * _DAYS_PER_WEEK:
        return sum(day.transactions for day in shown.days[-2 * _DAYS_PER_WEEK : -_DAYS_PER_WEEK])
    is_week = len(shown.days) == _DAYS_PER_WEEK
    return shown.before["transactions"] if shown.before and is_week else None


def compared(value: int, before: int | None, than: str) -> tuple[str, str]:
    """The change as short text, and what it is compared with; against 0 it is "new"."""
    if before is None:
        return "", "no days before to compare" if than else ""
    if value == before:
        return "±0 %", than
    if before <= 0:
        return "new", than.replace("against the", "none in the")
    if value >= 10 * before:
        return f"×{formats.number(value / before, 0)}", than
    change = 100 * (value - before) / before
    return f"{'+' if change > 0 else '−'}{formats.number(abs(change), 1)} %", than


def points(days: Sequence[Day]) -> list[Point]:
    """A point for each day, or for each week of long periods."""
    by_week = len(days) > _MAX_DAILY_POINTS
    sums: dict[date, list[int]] = {}
    for day in days:
        start = day.day - timedelta(days=day.day.weekday()) if by_week else day.day
        totals = sums.setdefault(start, [0] * 5)
        figures = (day.earned, day.spent, day.burned, day.redeemed, day.transactions)
        sums[start] = [total + figure for total, figure in zip(totals, figures, strict=True)]
    return [Point(start, *figures) for start, figures in sums.items()]


def flow_summary(dashboard: Dashboard, shown: Sequence[Point]) -> str:
    """The chart as a sentence."""
    totals = dashboard.period.totals
    if not totals["earned"] and not totals["spent"]:
        return "Nothing was earned or spent in this time."
    most_earned = max(shown, key=lambda point: point.earned)
    most_spent = max(shown, key=lambda point: point.spent)
    peaks = (
        f"Most was earned on {formats.day(most_earned.day)} ({formats.number(most_earned.earned)})"
    )
    if most_spent.spent:
        peaks += f" and spent on {formats.day(most_spent.day)} ({formats.number(most_spent.spent)})"
    earned, spent = formats.number(totals["earned"]), formats.number(totals["spent"])
    return f"{earned} POT earned, {spent} spent. {peaks}."


def hour_cells(hours: Sequence[Sequence[int]]) -> list[tuple[str, list[Cell]]]:
    """A row for each hour, a column for each weekday."""
    largest = max((amount for row in hours for amount in row), default=0)
    return [
        (f"{hour:02}", [_cell(hours[weekday][hour], largest) for weekday in range(7)])
        for hour in range(24)
    ]


def _cell(amount: int, largest: int) -> Cell:
    shade = -(-_SHADES * max(amount, 0) // largest) if largest > 0 else 0
    return Cell(amount, formats.compact(amount), shade)


def hours_summary(hours: Sequence[Sequence[int]]) -> str:
    total = sum(map(sum, hours))
    if total <= 0:
        return "Nothing was spent in this time."
    amount, weekday, hour = max(
        (amount, -weekday, -hour)
        for weekday, row in enumerate(hours)
        for hour, amount in enumerate(row)
    )
    share = 100 * amount / total
    return (
        f"Most on {WEEKDAYS[-weekday]} from {-hour:02}:00 to {1 - hour:02}:00 UTC:"
        f" {formats.number(amount)} POT, {formats.number(share, 0)} % of all."
    )


def title_of(category: str) -> str:
    """The title of a journal category."""
    return _TITLES.get(category, category.replace("_", " ").capitalize())
