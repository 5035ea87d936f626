"""How often a person may earn by a rule, counted in calendar windows in UTC.

Queued awards count, those that were taken back do not; what may be earned once counts as earned
where an account that was erased had earned it with the same address.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from imatch.pot.awards import once_only
from imatch.pot.awards.models import AwardStatus, PotAward
from imatch.pot.rules import EARNINGS, Earning, Window

_AT_ONCE = 200
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


class Tally:
    """Counts awards against caps: those that stand, and those that are taken here on top."""

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
            for start in range(0, len(capped), _AT_ONCE):
                self._count(db, capped[start : start + _AT_ONCE], start_of(window, moment))

    def take(self, rule: Earning, user_id: int, scope: str) -> bool:
        """Count one more award, unless its cap is reached."""
        place = (rule.name, user_id, scope)
        if rule.cap is not None and self._used[place] >= rule.cap.times:
            return False
        self._used[place] += 1
        return True

    def _count(
        self, db: Session, capped: Sequence[tuple[str, int]], began: datetime | None
    ) -> None:
        if not capped:
            return
        rules, people = {rule for rule, _person in capped}, {person for _rule, person in capped}
        counts = select(PotAward.rule, PotAward.user_id, PotAward.cap_scope, func.count()).where(
            PotAward.user_id.in_(people),
            PotAward.rule.in_(rules),
            PotAward.status != AwardStatus.CLAWED_BACK,
        )
        if began is not None:
            counts = counts.where(PotAward.earned_at >= began)
        grouped = counts.group_by(PotAward.rule, PotAward.user_id, PotAward.cap_scope)
        for rule, user_id, scope, count in db.execute(grouped):
            self._used[rule, user_id, scope] = count
        if began is None:
            self._used.update((rule, person, "") for rule, person in once_only.among(db, people))


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
    before = once_only.among(db, {user_id})
    used[Window.EVER] |= {rule: 1 for rule, _person in before}
    left: dict[str, int | None] = {}
    for rule in EARNINGS:
        if rule.cap is None or rule.cap.within:
            left[rule.name] = None
        else:
            left[rule.name] = max(rule.cap.times - used[rule.cap.window].get(rule.name, 0), 0)
    return left


def _capped(window: Window) -> Iterable[str]:
    return [rule.name for rule in EARNINGS if rule.cap and rule.cap.window is window]


def _valid(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return (PotAward.user_id == user_id, PotAward.status != AwardStatus.CLAWED_BACK)
