"""The economy's figures, from the books' daily sums: the cost does not grow with the journal."""

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
    """Movements of one day in UTC, in whole POT; `circulation` is what people have at its end."""

    day: date
    earned: int
    spent: int
    burned: int
    redeemed: int
    transactions: int
    circulation: int


@dataclass(frozen=True, slots=True)
class Period:
    """Some days with totals, and totals of as many days before (None without such days)."""

    days: tuple[Day, ...]
    totals: Mapping[str, int]
    before: Mapping[str, int] | None
    circulation_before: int


@dataclass(frozen=True, slots=True)
class Part:
    """A category's part of a total, in whole POT; `share` is from 0 to 1."""

    name: str
    title: str
    amount: int
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class SpendingPattern:
    """Spending by category, and by hour: `hours[weekday][hour]` in UTC, Monday first."""

    parts: tuple[Part, ...]
    hours: tuple[tuple[int, ...], ...]


# The number of wallets with a balance, and the sums over all wallets.
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
    """Totals of all time, in whole POT; rates are texts like "4.2%".

    Circulation is the balance of all people, including held POT. Supply adds the treasury.
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
        "transactions_last_7_days": sum(row.row_count for row in week if not row.system_account),
    }


def period(db: Session, days: int | None, *, until: date | None = None) -> Period:
    """The last `days` days (None: all) up to today, or up to the day before `until`."""
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
    all_days = _days(moved, since - length, end, circulation)
    shown = all_days[length.days :]
    earlier = all_days[: length.days]
    has_before = days is not None and first < since
    return Period(
        shown,
        _totals(shown),
        _totals(earlier) if has_before else None,
        earlier[-1].circulation if earlier else circulation,
    )


def earning_breakdown(db: Session, days: int | None) -> tuple[Part, ...]:
    """Earned POT by category, the largest first."""
    rows = sums(db, POT, _since(days), by=("category",), transaction_types=(TransactionType.EARN,))
    titles = {name: rule.title for name, rule in EARNING_BY_NAME.items()}
    return _parts(((row.category or "", row.amount, row.row_count) for row in rows), titles)


def spending_breakdown(db: Session, days: int | None) -> SpendingPattern:
    """Spent POT by category, the largest first, and by hour of at most the last 90 days."""
    rows = sums(db, POT, _since(days), by=("category", "phase"), transaction_types=_SPENT)
    titles = {name: option.title for name, option in SPENDING_BY_NAME.items()}
    parts = _parts(
        ((row.category or "", -row.amount, row.row_count) for row in rows if row.phase in MOVED),
        titles,
    )
    hours = [[0] * 24 for _weekday in range(7)]
    recent = max(filter(None, (_since(days), _since(90))), default=None)
    by_hour = sums(db, POT, recent, by=("day", "hour", "phase"), transaction_types=_SPENT)
    for row in by_hour:
        if row.day is not None and row.hour is not None and row.phase in MOVED:
            hours[row.day.weekday()][row.hour] += -row.amount
    return SpendingPattern(parts, tuple(tuple(weekday) for weekday in hours))


def latest(db: Session, limit: int = 20) -> Sequence[PotTransaction]:
    """The newest transactions of people; system accounts are left out."""
    newest = select(PotTransaction).where(PotTransaction.user_id.is_not(None))
    return db.scalars(newest.order_by(PotTransaction.id.desc()).limit(limit)).all()


def _since(days: int | None) -> date | None:
    return None if days is None else today() - timedelta(days=days - 1)


def _first_day(db: Session) -> date | None:
    first = db.scalar(select(PotTransaction.created_at).order_by(PotTransaction.id).limit(1))
    return first.date() if first else None


def _circulation_before(db: Session, day: date) -> int:
    flows = sums(db, POT, None, day, by=("phase", "system_account"))
    return sum(row.amount for row in flows if not row.system_account and row.phase in MOVED)


def _days(moved: Sequence[Sum], since: date, until: date, circulation: int) -> tuple[Day, ...]:
    by_day: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in moved:
        if row.day is None or row.system_account:
            continue
        figures = by_day[row.day]
        figures["transactions"] += row.row_count
        if row.phase not in MOVED:
            continue
        figures["change"] += row.amount
        if row.transaction_type == TransactionType.EARN:
            figures["earned"] += row.amount
        elif row.transaction_type in _SPENT:
            figures["spent"] -= row.amount
        figures[row.counter_account or ""] -= row.amount
    days = []
    for offset in range((until - since).days):
        day = since + timedelta(days=offset)
        figures = by_day[day]
        circulation += figures["change"]
        days.append(
            Day(
                day,
                figures["earned"],
                figures["spent"],
                figures[SystemAccount.BURNED],
                figures[SystemAccount.REDEEMED],
                figures["transactions"],
                circulation,
            )
        )
    return tuple(days)


def _totals(days: Sequence[Day]) -> dict[str, int]:
    names = ("earned", "spent", "burned", "redeemed", "transactions")
    return {name: sum(getattr(day, name) for day in days) for name in names}


def _parts(rows: Iterable[tuple[str, int, int]], titles: Mapping[str, str]) -> tuple[Part, ...]:
    amounts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, amount, count in rows:
        amounts[name][0] += amount
        amounts[name][1] += count
    total = sum(amount for amount, _count in amounts.values())
    return tuple(
        Part(name, titles.get(name, name), amount, count, amount / total if total else 0.0)
        for name, (amount, count) in sorted(amounts.items(), key=lambda part: -part[1][0])
    )


def _percent(part: int, whole: int) -> str:
    return f"{formats.number(100 * part / whole if whole else 0, 1)}%"
