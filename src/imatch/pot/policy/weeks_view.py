"""The controller's weekly decisions for the page: inputs, results, awards, and summaries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from imatch.core import clock
from imatch.ledger import POT, TransactionType
from imatch.ledger.queries import sums
from imatch.pot.policy import service as policy
from imatch.pot.policy.models import PotPolicyRun
from imatch.pot.rules import EARNINGS, AwardClass
from imatch.web import formats
from imatch.web.formats import number

MAX_WEEKS_SHOWN = 52
_ALWAYS_PAID = frozenset(rule.name for rule in EARNINGS if rule.award_class is AwardClass.ALWAYS)
CSV_HEADS = (
    "week",
    "policy_version",
    "supply",
    "target",
    "treasury",
    "people",
    "gone",
    "left_in_week_before",
    "left_smoothed",
    "growth",
    "weeks_since_genesis",
    "shortfall",
    "minted",
    "previous_budget",
    "award_budget",
    "awarded",
    "always_paid",
)


@dataclass(frozen=True, slots=True)
class Week:
    """One weekly decision, in POT. `left` left supply in the week before, `awarded` was paid out
    of its budget, and `always_paid` by class A rules, which no budget limits.
    """

    run: PotPolicyRun
    supply: int
    target: int
    left: int
    awarded: int
    always_paid: int

    @property
    def monday(self) -> date:
        return self.run.week

    @property
    def is_over(self) -> bool:
        return self.monday + policy.WEEK <= clock.today()


def weeks(db: Session) -> list[Week]:
    """The latest weeks, the newest first."""
    runs = policy.last_runs(db, MAX_WEEKS_SHOWN)
    awarded = _awarded(db, runs[-1].week, runs[0].week + policy.WEEK) if runs else {}
    return [
        Week(
            run,
            supply=int(run.inputs["supply"]),
            target=round(run.inputs["target"]),
            left=round(run.inputs["left_this_week"]),
            awarded=awarded.get((run.week, False), 0),
            always_paid=awarded.get((run.week, True), 0),
        )
        for run in runs
    ]


def _awarded(db: Session, since: date, until: date) -> Mapping[tuple[date, bool], int]:
    """Awarded POT by (Monday of the week, whether the rule is always paid)."""
    amounts: dict[tuple[date, bool], int] = defaultdict(int)
    for total in sums(
        db, POT, since, until, by=("day", "category"), transaction_types=(TransactionType.EARN,)
    ):
        if total.day is not None:
            monday = total.day - timedelta(days=total.day.weekday())
            amounts[monday, total.category in _ALWAYS_PAID] += total.amount
    return amounts


def outlook(db: Session) -> str:
    """Why this week's decision is missing, for the page; "" if it exists."""
    if policy.current_version(db) is None:
        return "There is no POT yet: the first ones are minted when the database is set up."
    if policy.is_due(db):
        return "This week’s decision is due. A worker makes it within an hour, if one runs."
    if policy.last_run(db) is None:
        first = policy.monday_of(clock.now()) + policy.WEEK
        return f"No week is decided yet. The first decision comes on Monday, {formats.day(first)}."
    return ""


def summaries(shown: Sequence[Week]) -> dict[str, str]:
    """A text summary of each chart; empty without weeks."""
    if not shown:
        return {}
    return {
        "supply": _supply_summary(shown[0]),
        "flow": _flow_summary(shown),
        "awards": _awards_summary(shown),
    }


def _supply_summary(week: Week) -> str:
    gap = week.supply - week.target
    away = f"{number(abs(gap))} POT {'above' if gap > 0 else 'below'}" if gap else "exactly on"
    share = f" ({number(100 * abs(gap) / week.target, 2)} %)" if gap and week.target else ""
    return (
        f"{number(week.supply)} POT on {formats.day(week.monday)}, before that day’s minting:"
        f" {away} its target{share}."
    )


def _flow_summary(shown: Sequence[Week]) -> str:
    newest = shown[0]
    text = (
        f"{number(newest.run.minted)} POT were minted on {formats.day(newest.monday)};"
        f" {number(newest.left)} had left supply in the week before."
    )
    if len(shown) > 1:
        minted = sum(week.run.minted for week in shown)
        left = sum(week.left for week in shown)
        text += f" In all {len(shown)} weeks: {number(minted)} minted, {number(left)} left."
    return text


def _awards_summary(shown: Sequence[Week]) -> str:
    newest = shown[0]
    since = "in the week of" if newest.is_over else "so far in the week of"
    text = (
        f"{number(newest.awarded)} POT awarded {since} {formats.day(newest.monday)},"
        f" of a budget of {number(newest.run.award_budget)}."
    )
    past = [week for week in shown if week.is_over]
    budget = sum(week.run.award_budget for week in past)
    if len(past) > 1 and budget:
        share = 100 * sum(week.awarded for week in past) / budget
        text += f" The {len(past)} weeks that are over used {number(share, 0)} % of theirs."
    return text


def csv_row(week: Week) -> Sequence[object]:
    """The week under CSV_HEADS."""
    run, inputs = week.run, week.run.inputs
    return (
        run.week,
        run.policy_version_id,
        inputs["supply"],
        inputs["target"],
        inputs["treasury"],
        inputs["people"],
        inputs["gone"],
        inputs["left_this_week"],
        inputs["leaving"],
        inputs["growth"],
        inputs["weeks"],
        inputs["shortfall"],
        run.minted,
        inputs["previous_budget"],
        run.award_budget,
        week.awarded,
        week.always_paid,
    )
