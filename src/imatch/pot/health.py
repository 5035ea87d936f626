"""How well the economy is: each figure with its formula, its threshold and where it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now, today
from imatch.ledger import CASH, POT
from imatch.ledger.models import PotAccount, PotTransaction
from imatch.ledger.queries import last_audits, people_totals, sums, system_balances
from imatch.pot import controller, rewards
from imatch.pot.coverage import coverage
from imatch.pot.models import PotAward, PotCommission, PotRedemption
from imatch.pot.policy import WEEK
from imatch.pot.rules import CENTS_PER_REDEEMED_POT

_SEASON_WEEKS = 13
_NEW_ACCOUNT = timedelta(days=30)


class State(StrEnum):
    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # nothing to measure yet


@dataclass(frozen=True, slots=True)
class Indicator:
    """`value` is for reading; `threshold` says what is good; `formula` how it is worked out."""

    name: str
    title: str
    value: str
    formula: str
    threshold: str
    state: State
    note: str = ""


def health(db: Session) -> tuple[Indicator, ...]:
    """Every indicator, the monetary ones first."""
    return tuple(indicator(db) for indicator in _INDICATORS)


def _inflation(db: Session) -> Indicator:
    found = inflation(db)
    state = State.UNKNOWN
    value, note = "–", "No figure before the supply is 28 days old."
    if found is not None:
        value = f"{100 * found.rate:.1f} %"
        note = "Provisional: the supply is younger than 90 days." if found.provisional else ""
        if not found.provisional:
            state = State.GOOD if 0.09 <= found.rate <= 0.11 else State.BAD  # noqa: PLR2004 -- as the threshold says
    return Indicator(
        "inflation",
        "Inflation of the whole supply, a year",
        value,
        "(supply now ÷ supply W days ago)^(365 ÷ W) − 1, W = age, at most 365 days",
        "9 to 11 %",
        state,
        note or "Of total supply, the treasury included.",
    )


def inflation(db: Session) -> controller.Inflation | None:
    """Growth of treasury plus people's POT over the last year, or since the first day."""
    first = db.scalar(select(PotTransaction.created_at).order_by(PotTransaction.id).limit(1))
    if first is None:
        return None
    window = min(now() - first, timedelta(days=controller.DAYS_A_YEAR))
    since = (now() - window).date() + timedelta(days=1)
    flows = sums(db, POT, since, by=("phase", "system_account", "counter_account"))
    change = 0
    for flow in flows:
        if flow.phase in ("direct", "post"):
            inside = bool(flow.system_account == "treasury") - (flow.counter_account == "treasury")
            change += flow.amount * (inside if flow.system_account else 1 + inside)
    supply = system_balances(db, POT)["treasury"] + people_totals(db, POT)[0]
    return controller.inflation(supply=supply, earlier_supply=supply - change, window=window)


def _coverage(db: Session) -> Indicator:
    found = coverage(db)
    return Indicator(
        "coverage",
        "Reserve against allowances",
        "–" if found.ratio is None else f"{found.ratio:.2f}",
        "reserve ÷ sum of all allowances",
        "at least 1.10",
        _at_least(found.ratio, 1.10),
        f"Payouts: {found.state.value.replace('_', ' ')}.",
    )


def _backing(db: Session) -> Indicator:
    circulation, _held = people_totals(db, POT)
    reserve = system_balances(db, CASH)["reserve"]
    ratio = reserve / (circulation * CENTS_PER_REDEEMED_POT) if circulation else None
    return Indicator(
        "backing",
        "Full-peg backing",
        "–" if ratio is None else f"{ratio:.2f}",
        "reserve ÷ ($0.80 × circulation)",
        "at least 0.25",
        _at_least(ratio, 0.25),
        "POT without an allowance is worth features, not cash, so this may be below 1.",
    )


def _burn_ratio(db: Session) -> Indicator:
    awarded, burned = _season(db)
    ratio = burned / awarded if awarded else None
    return Indicator(
        "burn_ratio",
        "Burned against awarded",
        "–" if ratio is None else f"{ratio:.2f}",
        f"burned ÷ awarded over {_SEASON_WEEKS} weeks",
        "at least 0.50",
        _at_least(ratio, 0.5),
    )


def _runway(db: Session) -> Indicator:
    awarded, _burned = _season(db)
    weekly = awarded / _SEASON_WEEKS
    treasury = system_balances(db, POT)["treasury"]
    weeks = treasury / weekly if weekly else None
    return Indicator(
        "runway",
        "Treasury runway",
        "–" if weeks is None else f"{weeks:,.0f} weeks",
        f"treasury ÷ awards a week over {_SEASON_WEEKS} weeks",
        "at least 52 weeks",
        _at_least(weeks, 52),
    )


def _queue(db: Session) -> Indicator:
    oldest = rewards.oldest_queued(db)
    waits = timedelta() if oldest is None else now() - oldest
    return Indicator(
        "queue",
        "Oldest queued award",
        "none waits" if oldest is None else _days(waits),
        "now − when the first award in the queue was earned",
        "at most 2 weeks",
        State.GOOD if waits <= 2 * WEEK else State.BAD,
    )


def _redeemed(db: Session) -> Indicator:
    paid = select(func.sum(PotRedemption.payout_cents)).where(PotRedemption.status == "paid")
    cleared = select(func.sum(PotCommission.commission_cents)).where(
        PotCommission.status == "cleared"
    )
    commission = db.scalar(cleared)
    ratio = float(db.scalar(paid) or 0) / float(commission) if commission else None
    return Indicator(
        "redeemed",
        "Redeemed against cleared commission",
        "–" if ratio is None else f"{100 * ratio:.1f} %",
        "dollars paid out ÷ commission cleared",
        "at most 45 %",
        _at_most(ratio, 0.45),
    )


def _new_accounts(db: Session) -> Indicator:
    recent = PotAward.paid_at >= now() - _NEW_ACCOUNT
    awarded = db.scalar(select(func.sum(PotAward.amount)).where(recent))
    to_new = db.scalar(
        select(func.sum(PotAward.amount))
        .join(User, User.id == PotAward.user_id)
        .where(recent, User.created_at >= now() - _NEW_ACCOUNT)
    )
    ratio = float(to_new or 0) / float(awarded) if awarded else None
    return Indicator(
        "new_accounts",
        "Awards to new accounts",
        "–" if ratio is None else f"{100 * ratio:.1f} %",
        "awards of 30 days to accounts younger than 30 days ÷ all awards of 30 days",
        "at most 20 %",
        _at_most(ratio, 0.20),
    )


def _participation(db: Session) -> Indicator:
    users = db.scalar(select(func.count()).select_from(User)) or 0
    holders = _holders(db)
    ratio = holders / users if users else None
    return Indicator(
        "participation",
        "Users who hold POT",
        "–" if ratio is None else f"{100 * ratio:.1f} %",
        "users with a balance ÷ users",
        "at least 30 %",
        _at_least(ratio, 0.30),
    )


def _concentration(db: Session) -> Indicator:
    holders = _holders(db)
    richest = (
        select(PotAccount.balance)
        .where(PotAccount.balance > 0)
        .order_by(PotAccount.balance.desc())
        .limit(max(holders // 100, 1))
        .subquery()
    )
    circulation, _held = people_totals(db, POT)
    top = db.scalar(select(func.coalesce(func.sum(richest.c.balance), 0))) or 0
    ratio = float(top) / circulation if circulation else None
    return Indicator(
        "concentration",
        "Largest wallets",
        "–" if ratio is None else f"{100 * ratio:.1f} %",
        "POT of the top 1 % of wallets ÷ circulation",
        "at most 25 %",
        _at_most(ratio, 0.25),
    )


def _drift(db: Session) -> Indicator:
    audits = last_audits(db)
    findings = sum(audit.finding_count for audit in audits)
    value = f"{findings} findings" if audits else "–"
    note = ""
    if audits:
        note = f"Last audit ended {min(audit.ended_at for audit in audits):%Y-%m-%d %H:%M} UTC."
    return Indicator(
        "drift",
        "Ledger drift",
        value,
        "what an audit recomputes against what is stored",
        "0",
        State.UNKNOWN if not audits else State.BAD if findings else State.GOOD,
        note,
    )


_INDICATORS: Sequence[Callable[[Session], Indicator]] = (
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


def _season(db: Session) -> tuple[int, int]:
    """What was awarded and burned in the last thirteen weeks."""
    since = today() - timedelta(weeks=_SEASON_WEEKS) + timedelta(days=1)
    flows = sums(
        db, POT, since, by=("transaction_type", "phase", "system_account", "counter_account")
    )
    own = [flow for flow in flows if flow.phase in ("direct", "post") and not flow.system_account]
    awarded = sum(flow.amount for flow in own if flow.transaction_type == "earn")
    burned = -sum(flow.amount for flow in own if flow.counter_account == "burned")
    return awarded, burned


def _holders(db: Session) -> int:
    holders = select(func.count()).select_from(PotAccount).where(PotAccount.balance > 0)
    return db.scalar(holders) or 0


def _at_least(ratio: float | None, least: float) -> State:
    if ratio is None:
        return State.UNKNOWN
    return State.GOOD if ratio >= least else State.BAD


def _at_most(ratio: float | None, most: float) -> State:
    if ratio is None:
        return State.UNKNOWN
    return State.GOOD if ratio <= most else State.BAD


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):.1f} days"
