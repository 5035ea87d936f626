"""The economy in figures: every one comes from the books, and costs the same at any size."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import today
from imatch.ledger import POT, SystemAccount, TransactionType
from imatch.ledger.models import MOVED, PotAccount, PotTransaction
from imatch.ledger.queries import Sum, sums, system_balances
from imatch.pot.rules import EARNING_BY_NAME
from imatch.pot.shop.catalog import SPENDING_BY_NAME
from imatch.web import formats

_SPENT = (TransactionType.SPEND, TransactionType.BURN)


@dataclass(frozen=True, slots=True)
class Day:
    """What moved on one day in UTC, in whole POT; `circulation` is what people had at its end."""

    day: date
    earned: int
    spent: int
    burned: int
    redeemed: int
    transactions: int
    circulation: int


@dataclass(frozen=True, slots=True)
class Period:
    """Totals of some days, beside those of as many days before (None before the first day)."""

    days: tuple[Day, ...]
    totals: Mapping[str, int]
    before: Mapping[str, int] | None
    circulation_before: int


@dataclass(frozen=True, slots=True)
class Part:
    """One category's part of a total; `share` is between 0 and 1."""

    name: str
    title: str
    amount: int
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class SpendingPattern:
    """Where POT is spent, and at which hours: `hours[weekday][hour]`, Monday first, in UTC."""

    parts: tuple[Part, ...]
    hours: tuple[tuple[int, ...], ...]


# How many wallets hold something, and the sums over all of them.
_WALLETS = select(
    func.count().filter(PotAccount.balance > 0),
    *(
        func.coalesce(func.sum(column), 0)
        for column in (
            PotAccount.balance,
            PotAccount.held,
            PotAccount.earned,
            PotAccount.spent,
            PotAccount.burned,
        )
    ),
)


def stats(db: Session) -> dict[str, Any]:
    """Totals of all time; the rates are percentages in words.

    Circulation is what people have, held POT included; supply includes the treasury.
    """
    people = db.execute(_WALLETS).one()
    with_pot, circulation, held, earned, spent, burned = (int(figure) for figure in people)
    users = db.scalar(select(func.count()).select_from(User)) or 0
    system = system_balances(db, POT)
    treasury = system[SystemAccount.TREASURY]
    week = sums(db, POT, today() - timedelta(days=6), by=("system_account",))
    return {
        "total_users": users,
        "users_with_pot": with_pot,
        "participation_rate": _percent(with_pot, users),
        "total_pot_in_circulation": circulation,
        "total_pot_held": held,
        "total_pot_earned_all_time": earned,
        "total_pot_spent_all_time": spent,
        "total_pot_burned_all_time": burned,
        "total_pot_redeemed_all_time": system[SystemAccount.REDEEMED],
        "total_pot_clawed_back_all_time": system[SystemAccount.CLAWED_BACK],
        "total_pot_minted_all_time": -system[SystemAccount.MINT],
        "treasury": treasury,
        "total_supply": treasury + circulation,
        "burn_rate": _percent(burned, earned),
        "transactions_last_7_days": sum(one.row_count for one in week if not one.system_account),
    }


def period(db: Session, days: int | None, *, until: date | None = None) -> Period:
    """The last `days` days up to today, or up to the day before `until`; None is all of them."""
    end = until or today() + timedelta(days=1)
    first = _first_day(db) or end - timedelta(days=1)
    since = first if days is None else end - timedelta(days=days)
    length = end - since
    moved = sums(
        db,
        POT,
        since - length,
        end,
        by=("day", "transaction_type", "phase", "system_account", "counter_account"),
    )
    circulation = _circulation_before(db, since - length)
    every = _days(moved, since - length, end, circulation)
    shown = every[length.days :]
    earlier = every[: length.days]
    has_before = days is not None and first < since
    return Period(
        shown,
        _totals(shown),
        _totals(earlier) if has_before else None,
        earlier[-1].circulation if earlier else circulation,
    )


def earning_breakdown(db: Session, days: int | None) -> tuple[Part, ...]:
    """What POT were earned for, the largest first."""
    found = sums(db, POT, _since(days), by=("category",), transaction_types=(TransactionType.EARN,))
    titles = {name: rule.title for name, rule in EARNING_BY_NAME.items()}
    return _parts(((one.category or "", one.amount, one.row_count) for one in found), titles)


def spending_breakdown(db: Session, days: int | None) -> SpendingPattern:
    """What POT were spent on, the largest first, and when; hours cover at most 90 days."""
    found = sums(db, POT, _since(days), by=("category", "phase"), transaction_types=_SPENT)
    titles = {name: option.title for name, option in SPENDING_BY_NAME.items()}
    parts = _parts(
        ((one.category or "", -one.amount, one.row_count) for one in found if one.phase in MOVED),
        titles,
    )
    hours = [[0] * 24 for _weekday in range(7)]
    recent = max(filter(None, (_since(days), _since(90))), default=None)
    by_hour = sums(db, POT, recent, by=("day", "hour", "phase"), transaction_types=_SPENT)
    for one in by_hour:
        if one.day is not None and one.hour is not None and one.phase in MOVED:
            hours[one.day.weekday()][one.hour] += -one.amount
    return SpendingPattern(parts, tuple(tuple(row) for row in hours))


def latest(db: Session, limit: int = 20) -> Sequence[PotTransaction]:
    """The newest transactions of people."""
    newest = select(PotTransaction).where(PotTransaction.user_id.is_not(None))
    return db.scalars(newest.order_by(PotTransaction.id.desc()).limit(limit)).all()


def _since(days: int | None) -> date | None:
    return None if days is None else today() - timedelta(days=days - 1)


def _first_day(db: Session) -> date | None:
    first = db.scalar(select(PotTransaction.created_at).order_by(PotTransaction.id).limit(1))
    return first.date() if first else None


def _circulation_before(db: Session, day: date) -> int:
    flows = sums(db, POT, None, day, by=("phase", "system_account"))
    return sum(one.amount for one in flows if not one.system_account and one.phase in MOVED)


def _days(moved: Sequence[Sum], since: date, until: date, circulation: int) -> tuple[Day, ...]:
    figures: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in moved:
        if one.day is None or one.system_account:
            continue
        of_day = figures[one.day]
        of_day["transactions"] += one.row_count
        if one.phase not in MOVED:
            continue
        of_day["change"] += one.amount
        if one.transaction_type == TransactionType.EARN:
            of_day["earned"] += one.amount
        elif one.transaction_type in _SPENT:
            of_day["spent"] -= one.amount
        of_day[one.counter_account or ""] -= one.amount
    found = []
    for number in range((until - since).days):
        day = since + timedelta(days=number)
        of_day = figures[day]
        circulation += of_day["change"]
        found.append(
            Day(
                day,
                of_day["earned"],
                of_day["spent"],
                of_day[SystemAccount.BURNED],
                of_day[SystemAccount.REDEEMED],
                of_day["transactions"],
                circulation,
            )
        )
    return tuple(found)


def _totals(days: Sequence[Day]) -> dict[str, int]:
    names = ("earned", "spent", "burned", "redeemed", "transactions")
    return {name: sum(getattr(day, name) for day in days) for name in names}


def _parts(found: Iterable[tuple[str, int, int]], titles: Mapping[str, str]) -> tuple[Part, ...]:
    amounts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, amount, count in found:
        amounts[name][0] += amount
        amounts[name][1] += count
    total = sum(amount for amount, _count in amounts.values())
    return tuple(
        Part(name, titles.get(name, name), amount, count, amount / total if total else 0.0)
        for name, (amount, count) in sorted(amounts.items(), key=lambda part: -part[1][0])
    )


def _percent(part: int, whole: int) -> str:
    return f"{formats.number(100 * part / whole if whole else 0, 1)}%"
