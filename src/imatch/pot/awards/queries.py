"""Queries of awards: a person's queue, and what they can still earn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.pot.awards import service as award_service
from imatch.pot.awards.models import PotAward
from imatch.pot.awards.service import EarningStanding

_MAX_WAITING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """Queued awards: the first ones with the day by which each is paid (None if unknown)."""

    first: Sequence[tuple[PotAward, date | None]]
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class WaysToEarn:
    """Each earning rule once: open to this person, not offered yet, or only for the other side."""

    now: Sequence[EarningStanding]
    later: Sequence[EarningStanding]
    others: Sequence[EarningStanding]


def waiting(db: Session, user_id: int) -> Waiting:
    awards = award_service.queued(db, user_id)
    first = [
        (award, award_service.expected_payment(db, award)) for award in awards[:_MAX_WAITING_SHOWN]
    ]
    return Waiting(first, len(awards), sum(award.amount for award in awards))


def ways_to_earn(db: Session, person: User) -> WaysToEarn:
    standings = award_service.standings(db, person.id)
    sides = person.account_type.sides
    for_person = [standing for standing in standings if standing.earning.is_for(sides)]
    return WaysToEarn(
        now=[standing for standing in for_person if standing.earning.offered],
        later=[standing for standing in for_person if not standing.earning.offered],
        others=[standing for standing in standings if not standing.earning.is_for(sides)],
    )


def quickest(db: Session, person: User, count: int = 4) -> list[EarningStanding]:
    """The `count` best paid ways to earn that are still open to this person."""
    available = [standing for standing in ways_to_earn(db, person).now if standing.times_left != 0]
    paying = [standing for standing in available if isinstance(standing.earning.pot, int)]
    return sorted(paying, key=_pot, reverse=True)[:count]


def _pot(standing: EarningStanding) -> int:
    pot = standing.earning.pot
    return pot if isinstance(pot, int) else 0
