"""How the economy's figures read: tiles with their changes, tables, and sentences about them."""

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
_DAILY_UP_TO = 400  # longer periods are shown by week, or nobody could read them
_SHADES = 8
_WEEK = 7
TONES = {
    TransactionType.EARN: "offer",
    TransactionType.SPEND: "seek",
    TransactionType.BURN: "seek",
    TransactionType.REDEEM: "match",
}
_TITLES = {name: rule.title for name, rule in (EARNING_BY_NAME | SPENDING_BY_NAME).items()}


@dataclass(frozen=True, slots=True)
class Tile:
    """`change` is set in bold, `than` says what it is compared with."""

    name: str
    title: str
    value: int
    change: str
    than: str
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """What was earned and spent on a day, or in the week that begins on it."""

    day: date
    earned: int
    spent: int
    burned: int
    redeemed: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a weekday: how much was spent, in few characters, and how dark that is."""

    amount: int
    short: str
    shade: int


def days_of(period: str) -> int | None:
    return None if period == "all" else int(period)


def tiles(found: Dashboard, period: str) -> list[Tile]:
    """The figures at the top; each change names what it is compared with."""
    totals, shown = found.totals, found.shown
    suffix = "all time" if period == "all" else PERIODS[period]
    span = f"against the {PERIODS[period]} before" if shown.before is not None else ""
    circulation = int(totals["total_pot_in_circulation"])
    first_day = "" if period == "all" else f"since {formats.day(shown.days[0].day)}"
    change, than = compared(circulation, shown.circulation_before if first_day else None, first_day)
    made = [
        Tile("circulation", "POT in circulation", circulation, change, than),
    ]
    for name in ("earned", "spent", "burned", "redeemed"):
        before = shown.before[name] if shown.before is not None else None
        change, than = compared(shown.totals[name], before, span)
        title = f"{name.capitalize()}, {suffix}"
        made.append(Tile(name, title, shown.totals[name], change, than, before))
    made.append(
        Tile(
            "users",
            "Users with POT",
            int(totals["users_with_pot"]),
            str(totals["participation_rate"]).replace("%", " %"),
            f"of {formats.number(totals['total_users'])}",
        )
    )
    before = _transactions_a_week_ago(found.shown)
    value = int(totals["transactions_last_7_days"])
    change, than = compared(value, before, "against the 7 days before")
    made.append(Tile("transactions", "Transactions, 7 days", value, change, than, before))
    return made


def _transactions_a_week_ago(shown: Period) -> int | None:
    """In the 7 days before the last 7."""
    if len(shown.days) >= 2 * _WEEK:
        return sum(day.transactions for day in shown.days[-2 * _WEEK : -_WEEK])
    return shown.before["transactions"] if shown.before and len(shown.days) == _WEEK else None


def compared(value: int, before: int | None, than: str) -> tuple[str, str]:
    """A change in few characters, and what it is compared with; a base of zero is "new"."""
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
    """One for each day, or for each week where there are many days."""
    by_week = len(days) > _DAILY_UP_TO
    sums: dict[date, list[int]] = {}
    for one in days:
        begins = one.day - timedelta(days=one.day.weekday()) if by_week else one.day
        total = sums.setdefault(begins, [0] * 5)
        figures = (one.earned, one.spent, one.burned, one.redeemed, one.transactions)
        sums[begins] = [had + new for had, new in zip(total, figures, strict=True)]
    return [Point(day, *figures) for day, figures in sums.items()]


def flow_summary(found: Dashboard, shown: Sequence[Point]) -> str:
    """What the chart shows, in a sentence."""
    totals = found.shown.totals
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
    most = max((amount for row in hours for amount in row), default=0)
    return [
        (f"{hour:02}", [_cell(hours[weekday][hour], most) for weekday in range(7)])
        for hour in range(24)
    ]


def _cell(amount: int, most: int) -> Cell:
    shade = -(-_SHADES * max(amount, 0) // most) if most > 0 else 0
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
    """What a row of the journal is about, in words."""
    return _TITLES.get(category, category.replace("_", " ").capitalize())
