"""Reads of awards: what waits in the queue, and what can still be earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.pot.awards import service as rewards
from imatch.pot.awards.models import PotAward
from imatch.pot.awards.service import EarningStanding

_WAITING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """Awards in line: the first with the day by which each is paid (None: not known)."""

    first: Sequence[tuple[PotAward, date | None]]
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class WaysToEarn:
    """Every earning rule once: open to this person, not open to anybody yet, others' alone."""

    now: Sequence[EarningStanding]
    later: Sequence[EarningStanding]
    others: Sequence[EarningStanding]


def waiting(db: Session, user_id: int) -> Waiting:
    awards = rewards.queued(db, user_id)
    first = [(award, rewards.expected_payment(db, award)) for award in awards[:_WAITING_SHOWN]]
    return Waiting(first, len(awards), sum(award.amount for award in awards))


def ways_to_earn(db: Session, person: User) -> WaysToEarn:
    standings = rewards.standings(db, person.id)
    sides = person.account_type.sides
    mine = [one for one in standings if one.earning.is_for(sides)]
    return WaysToEarn(
        now=[one for one in mine if one.earning.offered],
        later=[one for one in mine if not one.earning.offered],
        others=[one for one in standings if not one.earning.is_for(sides)],
    )


def quickest(db: Session, person: User, count: int = 4) -> list[EarningStanding]:
    """The ways to earn that pay most and are still open to this person."""
    left = [one for one in ways_to_earn(db, person).now if one.times_left != 0]
    paying = [one for one in left if isinstance(one.earning.pot, int)]
    return sorted(paying, key=_pot, reverse=True)[:count]


def _pot(standing: EarningStanding) -> int:
    pot = standing.earning.pot
    return pot if isinstance(pot, int) else 0
