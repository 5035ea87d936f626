"""How often a person may earn by a rule, counted in calendar windows in UTC.

Queued awards count, clawed back awards do not. A once-only rule also counts as used if an erased
account with the same address had earned by it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from imatch.pot.awards import once_only
from imatch.pot.awards.models import AwardStatus, PotAward
from imatch.pot.rules import EARNINGS, Earning, Window

_BATCH_SIZE = 200
_WINDOW_MONTHS = {Window.YEAR: 12, Window.QUARTER: 3, Window.MONTH: 1}


def start_of(window: Window, moment: datetime) -> datetime | None:
    """The start of the window that contains `moment`; None for Window.EVER."""
    if window is Window.EVER:
        return None
    utc = moment.astimezone(UTC)
    months = _WINDOW_MONTHS[window]
    first_month = (utc.month - 1) // months * months + 1
    return datetime(utc.year, first_month, 1, tzinfo=UTC)


def scope_of(rule: Earning, fact: object) -> str:
    """The scope that the rule's cap counts within: "rater_user_id:7", or "" for all awards."""
    within = rule.cap.within if rule.cap else ""
    return f"{within}:{getattr(fact, within)}" if within else ""


class Tally:
    """Counts awards against caps: the stored awards, plus those counted by `take`."""

    def __init__(
        self, db: Session, wanted: Sequence[tuple[Earning, int, str]], moment: datetime
    ) -> None:
        self._used: Counter[tuple[str, int, str]] = Counter()
        for window in Window:
            capped = [
                (rule.name, user_id)
                for rule, user_id, _scope in wanted
                if rule.cap and rule.cap.window is window
            ]
            for start in range(0, len(capped), _BATCH_SIZE):
                self._count(db, capped[start : start + _BATCH_SIZE], start_of(window, moment))

    def take(self, rule: Earning, user_id: int, scope: str) -> bool:
        """Count one more award; returns False if its cap is reached."""
        counted = (rule.name, user_id, scope)
        if rule.cap is not None and self._used[counted] >= rule.cap.times:
            return False
        self._used[counted] += 1
        return True

    def _count(
        self, db: Session, capped: Sequence[tuple[str, int]], window_start: datetime | None
    ) -> None:
        if not capped:
            return
        rules, people = {rule for rule, _person in capped}, {person for _rule, person in capped}
        counts = select(PotAward.rule, PotAward.user_id, PotAward.cap_scope, func.count()).where(
            PotAward.user_id.in_(people),
            PotAward.rule.in_(rules),
            PotAward.status != AwardStatus.CLAWED_BACK,
        )
        if window_start is not None:
            counts = counts.where(PotAward.earned_at >= window_start)
        grouped = counts.group_by(PotAward.rule, PotAward.user_id, PotAward.cap_scope)
        for rule, user_id, scope, count in db.execute(grouped):
            self._used[rule, user_id, scope] = count
        if window_start is None:
            self._used.update((rule, person, "") for rule, person in once_only.among(db, people))


def times_left(db: Session, user_id: int, moment: datetime) -> dict[str, int | None]:
    """How often a person may still earn by each rule in its current window.

    None for a rule without a cap, and for a cap per other person: it has no single number.
    """
    used: dict[Window, dict[str, int]] = {}
    for window in Window:
        counts = select(PotAward.rule, func.count()).where(*_valid(user_id))
        window_start = start_of(window, moment)
        if window_start is not None:
            counts = counts.where(PotAward.earned_at >= window_start)
        counts_by_rule = db.execute(
            counts.where(PotAward.rule.in_(_capped_rules(window))).group_by(PotAward.rule)
        )
        used[window] = {str(rule): int(count) for rule, count in counts_by_rule}
    once_earned = once_only.among(db, {user_id})
    used[Window.EVER] |= {rule: 1 for rule, _person in once_earned}
    left: dict[str, int | None] = {}
    for rule in EARNINGS:
        if rule.cap is None or rule.cap.within:
            left[rule.name] = None
        else:
            left[rule.name] = max(rule.cap.times - used[rule.cap.window].get(rule.name, 0), 0)
    return left


def _capped_rules(window: Window) -> Iterable[str]:
    return [rule.name for rule in EARNINGS if rule.cap and rule.cap.window is window]


def _valid(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return (PotAward.user_id == user_id, PotAward.status != AwardStatus.CLAWED_BACK)
