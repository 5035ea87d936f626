"""The economy's health indicators, each with its formula, threshold and state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now, today
from imatch.ledger import BOOKS, POT, SystemAccount, TransactionType
from imatch.ledger.models import MOVED, PotAccount, PotTransaction
from imatch.ledger.queries import (
    MAX_AUDIT_AGE,
    RowLabel,
    audit_is_missed,
    last_audits,
    people_totals,
    sums,
    system_balances,
)
from imatch.pot.awards import service as awards
from imatch.pot.models import PotRedemption, RedemptionStatus
from imatch.pot.policy import controller
from imatch.pot.policy import service as policy
from imatch.pot.policy.service import WEEK, Numbers
from imatch.pot.reserve.coverage import Coverage, coverage
from imatch.pot.reserve.models import CommissionStatus, PotCommission
from imatch.pot.rules import PAYOUT_PER_POT
from imatch.web import formats

_SEASON_WEEKS = 13
_NEW_ACCOUNT = timedelta(days=30)
_INFLATION_TOLERANCE = 0.01  # around the growth that the policy aims at
_DIRECTION: tuple[RowLabel, ...] = ("phase", "system_account", "counter_account")


class State(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # nothing to measure yet


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator, as texts: its value, its formula, and the threshold for a good state."""

    name: str
    title: str
    value: str
    formula: str
    threshold: str
    state: State
    note: str = ""


def health(db: Session) -> tuple[Indicator, ...]:
    """All indicators, the monetary ones first."""
    books = _Books(db)
    return tuple(indicator(books) for indicator in _INDICATORS)


class _Books:
    """Values that several indicators need, each read at most once."""

    def __init__(self, db: Session) -> None:
        self.db = db

    @cached_property
    def numbers(self) -> Numbers:
        """The current policy version, which sets some thresholds."""
        return policy.current(self.db)

    @cached_property
    def circulation(self) -> int:
        return people_totals(self.db, POT)[0]

    @cached_property
    def treasury(self) -> int:
        return system_balances(self.db, POT)[SystemAccount.TREASURY]

    @cached_property
    def coverage(self) -> Coverage:
        return coverage(self.db)

    @cached_property
    def holders(self) -> int:
        """The number of people who have POT."""
        holders = select(func.count()).select_from(PotAccount).where(PotAccount.balance > 0)
        return self.db.scalar(holders) or 0

    @cached_property
    def season(self) -> tuple[int, int]:
        """The POT awarded and burned in the last 13 weeks."""
        since = today() - timedelta(weeks=_SEASON_WEEKS) + timedelta(days=1)
        flows = sums(self.db, POT, since, by=("transaction_type", *_DIRECTION))
        own = [flow for flow in flows if flow.phase in MOVED and not flow.system_account]
        awarded = sum(flow.amount for flow in own if flow.transaction_type == TransactionType.EARN)
        burned = -sum(flow.amount for flow in own if flow.counter_account == SystemAccount.BURNED)
        return awarded, burned


def _inflation(books: _Books) -> Indicator:
    measured = _inflation_of(books)
    aim = books.numbers.yearly_growth
    lower, upper = max(aim - _INFLATION_TOLERANCE, 0), aim + _INFLATION_TOLERANCE
    state = State.UNKNOWN
    value, note = "–", "No figure before the supply is 28 days old."
    if measured is not None:
        value = f"{formats.number(100 * measured.rate, 1)} %"
        note = "Provisional: the supply is younger than 90 days." if measured.provisional else ""
        if not measured.provisional:
            state = State.GOOD if lower <= measured.rate <= upper else State.BAD
    return Indicator(
        "inflation",
        "Inflation of the whole supply, a year",
        value,
        "(supply now ÷ supply W days ago)^(365 ÷ W) − 1, W = age, at most 365 days",
        f"{100 * lower:.3g} to {100 * upper:.3g} %",
        state,
        note or "Of total supply, the treasury included.",
    )


def inflation(db: Session) -> controller.Inflation | None:
    """Yearly growth of the supply (treasury plus circulation) over at most the last year.

    None before the first transaction. The formula is in `policy.controller.inflation`.
    """
    return _inflation_of(_Books(db))


def _inflation_of(books: _Books) -> controller.Inflation | None:
    db = books.db
    first = db.scalar(select(PotTransaction.created_at).order_by(PotTransaction.id).limit(1))
    if first is None:
        return None
    window = min(now() - first, timedelta(days=controller.DAYS_PER_YEAR))
    since = (now() - window).date() + timedelta(days=1)
    flows = sums(db, POT, since, by=_DIRECTION)
    change, treasury = 0, SystemAccount.TREASURY
    for flow in flows:
        if flow.phase in MOVED:
            inside = bool(flow.system_account == treasury) - (flow.counter_account == treasury)
            change += flow.amount * (inside if flow.system_account else 1 + inside)
    supply = books.treasury + books.circulation
    return controller.inflation(supply=supply, earlier_supply=supply - change, window=window)


def _coverage(books: _Books) -> Indicator:
    current, normal = books.coverage, books.numbers.normal_coverage
    return Indicator(
        "coverage",
        "Reserve against allowances",
        "–" if current.ratio is None else formats.number(current.ratio, 2),
        "reserve ÷ sum of all allowances",
        f"at least {formats.number(normal, 2)}",
        _at_least(current.ratio, normal),
        f"Payouts: {current.state.value.replace('_', ' ')}.",
    )


def _backing(books: _Books) -> Indicator:
    full_peg = PAYOUT_PER_POT * books.circulation
    ratio = books.coverage.reserve.cents / full_peg.cents if full_peg.cents else None
    return Indicator(
        "backing",
        "Full-peg backing",
        "–" if ratio is None else formats.number(ratio, 2),
        f"reserve ÷ ({formats.money(PAYOUT_PER_POT)} × circulation)",
        "at least 0.25",
        _at_least(ratio, 0.25),
        "POT without an allowance is worth features, not cash, so this may be below 1.",
    )


def _burn_ratio(books: _Books) -> Indicator:
    awarded, burned = books.season
    ratio = burned / awarded if awarded else None
    return Indicator(
        "burn_ratio",
        "Burned against awarded",
        "–" if ratio is None else formats.number(ratio, 2),
        f"burned ÷ awarded over {_SEASON_WEEKS} weeks",
        "at least 0.50",
        _at_least(ratio, 0.5),
    )


def _runway(books: _Books) -> Indicator:
    awarded, _burned = books.season
    weekly = awarded / _SEASON_WEEKS
    weeks = books.treasury / weekly if weekly else None
    return Indicator(
        "runway",
        "Treasury runway",
        "–" if weeks is None else formats.plural(round(weeks), "week"),
        f"treasury ÷ awards a week over {_SEASON_WEEKS} weeks",
        "at least 52 weeks",
        _at_least(weeks, 52),
    )


def _queue(books: _Books) -> Indicator:
    oldest = awards.oldest_queued(books.db)
    waits = timedelta() if oldest is None else now() - oldest
    return Indicator(
        "queue",
        "Oldest queued award",
        "none waits" if oldest is None else _days(waits),
        "now − when the first award in the queue was earned",
        "at most 2 weeks",
        State.GOOD if waits <= 2 * WEEK else State.BAD,
    )


def _redeemed(books: _Books) -> Indicator:
    paid = select(func.sum(PotRedemption.payout_cents)).where(
        PotRedemption.status == RedemptionStatus.PAID
    )
    cleared = select(func.sum(PotCommission.commission_cents)).where(
        PotCommission.status == CommissionStatus.CLEARED
    )
    commission = books.db.scalar(cleared)
    ratio = float(books.db.scalar(paid) or 0) / float(commission) if commission else None
    return Indicator(
        "redeemed",
        "Redeemed against cleared commission",
        "–" if ratio is None else f"{formats.number(100 * ratio, 1)} %",
        "dollars paid out ÷ commission cleared",
        "at most 45 %",
        _at_most(ratio, 0.45),
    )


def _new_accounts(books: _Books) -> Indicator:
    # All earnings of a new account are younger than the account.
    to_new = books.db.scalar(
        select(func.sum(PotAccount.earned))
        .join(User, User.id == PotAccount.user_id)
        .where(User.created_at >= now() - _NEW_ACCOUNT)
    )
    since = (now() - _NEW_ACCOUNT).date()
    earned = sums(books.db, POT, since, by=("phase",), transaction_types=(TransactionType.EARN,))
    awarded = sum(flow.amount for flow in earned if flow.phase in MOVED)
    ratio = float(to_new or 0) / float(awarded) if awarded else None
    return Indicator(
        "new_accounts",
        "Awards to new accounts",
        "–" if ratio is None else f"{formats.number(100 * ratio, 1)} %",
        "awards of 30 days to accounts younger than 30 days ÷ all awards of 30 days",
        "at most 20 %",
        _at_most(ratio, 0.20),
    )


def _participation(books: _Books) -> Indicator:
    users = books.db.scalar(select(func.count()).select_from(User)) or 0
    # Unknown while nobody has POT.
    ratio = books.holders / users if books.holders else None
    return Indicator(
        "participation",
        "Users who hold POT",
        "–" if ratio is None else f"{formats.number(100 * ratio, 1)} %",
        "users with a balance ÷ users",
        "at least 30 %",
        _at_least(ratio, 0.30),
    )


def _concentration(books: _Books) -> Indicator:
    richest = (
        select(PotAccount.balance)
        .where(PotAccount.balance > 0)
        .order_by(PotAccount.balance.desc())
        .limit(max(books.holders // 100, 1))
        .subquery()
    )
    top = books.db.scalar(select(func.coalesce(func.sum(richest.c.balance), 0))) or 0
    ratio = float(top) / books.circulation if books.circulation else None
    return Indicator(
        "concentration",
        "Largest wallets",
        "–" if ratio is None else f"{formats.number(100 * ratio, 1)} %",
        "POT of the top 1 % of wallets ÷ circulation",
        "at most 25 %",
        _at_most(ratio, 0.25),
    )


def _drift(books: _Books) -> Indicator:
    audits = last_audits(books.db)
    findings = sum(audit.finding_count for audit in audits)
    note = "No audit has ended yet."
    if audits:
        note = f"Last audit ended {formats.sortable(min(audit.ended_at for audit in audits))}."
    missed = audit_is_missed(books.db, audits)
    if missed:
        note += f" It is missed: every book is to be audited within {MAX_AUDIT_AGE.days} days."
    sound = len(audits) == len(BOOKS) and not findings
    return Indicator(
        "drift",
        "Ledger drift",
        formats.plural(findings, "finding") if audits else "–",
        "what an audit recomputes against what is stored",
        f"0, at most {MAX_AUDIT_AGE.days} days ago",
        State.BAD if findings or missed else State.GOOD if sound else State.UNKNOWN,
        note,
    )


_INDICATORS: Sequence[Callable[[_Books], Indicator]] = (
    _inflation,
    _coverage,
    _backing,
    _burn_ratio,
    _runway,
    _queue,
    _redeemed,
    _new_accounts,
    _participation,
    _concentration,
    _drift,
)


def _at_least(ratio: float | None, minimum: float) -> State:
    if ratio is None:
        return State.UNKNOWN
    return State.GOOD if ratio >= minimum else State.BAD


def _at_most(ratio: float | None, maximum: float) -> State:
    if ratio is None:
        return State.UNKNOWN
    return State.GOOD if ratio <= maximum else State.BAD


def _days(span: timedelta) -> str:
    return f"{formats.number(span / timedelta(days=1), 1)} days"
