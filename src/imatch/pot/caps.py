"""How often a person may earn by a rule, counted in calendar windows in UTC.

Queued awards count, those that were taken back do not.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from imatch.pot.models import PotAward
from imatch.pot.rules import EARNINGS, Earning, Window

_MONTHS_OF = {Window.YEAR: 12, Window.QUARTER: 3, Window.MONTH: 1}


def start_of(window: Window, moment: datetime) -> datetime | None:
    """When the window that `moment` is in began; None where it always was."""
    if window is Window.EVER:
        return None
    utc = moment.astimezone(UTC)
    months = _MONTHS_OF[window]
    first_month = (utc.month - 1) // months * months + 1
    return datetime(utc.year, first_month, 1, tzinfo=UTC)


def scope_of(rule: Earning, fact: object) -> str:
    """What the rule's cap counts within: "rater_user_id:7", or all if ""."""
    within = rule.cap.within if rule.cap else ""
    return f"{within}:{getattr(fact, within)}" if within else ""


def has_room(db: Session, rule: Earning, user_id: int, scope: str, moment: datetime) -> bool:
    """Whether one more award stays within the rule's cap."""
    if rule.cap is None:
        return True
    counted = _awards(user_id).where(PotAward.rule == rule.name, PotAward.cap_scope == scope)
    began = start_of(rule.cap.window, moment)
    if began is not None:
        counted = counted.where(PotAward.earned_at >= began)
    return (db.scalar(counted) or 0) < rule.cap.times


def times_left(db: Session, user_id: int, moment: datetime) -> dict[str, int | None]:
    """How often each rule may still earn in its present window; None where no number says it.

    A cap for each pair of people has no one number.
    """
    used: dict[Window, dict[str, int]] = {}
    for window in Window:
        counts = select(PotAward.rule, func.count()).where(*_valid(user_id))
        began = start_of(window, moment)
        if began is not None:
            counts = counts.where(PotAward.earned_at >= began)
        found = db.execute(counts.where(PotAward.rule.in_(_capped(window))).group_by(PotAward.rule))
        used[window] = {str(rule): int(count) for rule, count in found}
    left: dict[str, int | None] = {}
    for rule in EARNINGS:
        if rule.cap is None or rule.cap.within:
            left[rule.name] = None
        else:
            left[rule.name] = max(rule.cap.times - used[rule.cap.window].get(rule.name, 0), 0)
    return left


def _capped(window: Window) -> Iterable[str]:
    return [rule.name for rule in EARNINGS if rule.cap and rule.cap.window is window]


def _awards(user_id: int) -> Select[int]:
    return select(func.count()).select_from(PotAward).where(*_valid(user_id))


def _valid(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return (PotAward.user_id == user_id, PotAward.status != "clawed_back")
