"""The population of a simulation, created at its start: who joins when, invited by whom."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.operations.simulation.plan import START, Plan
from imatch.pot.redemption.models import PotPayee


class Group(StrEnum):
    HONEST = "honest"
    FARM = "farm"  # many accounts that collect awards without engagements
    RING = "ring"  # accounts that invite each other and complete one small deal each
    WASH = "wash"  # pairs that pay each other large deals over and over


@dataclass(slots=True)
class SimulatedPerson:
    """One account. Seekers choose providers in proportion to their `popularity`."""

    user_id: int
    group: Group
    provider: bool
    joins_on: int  # day of the simulation
    invited_by: int | None = None  # user id
    popularity: float = 1.0
    visits: int = 0
    engagements: int = 0  # paid, as seeker or provider
    commission_cents: int = 0  # paid as a provider and not refunded
    partners: dict[int, int] = field(default_factory=dict)  # provider's user id -> engagements
    payouts_set_up: bool = False  # has payout details, a verified identity and a second factor
    requests: list[tuple[int, int]] = field(default_factory=list)  # day and POT of redemptions


@dataclass(slots=True)
class Population:
    """All people; `by_id` maps user ids to them."""

    people: list[SimulatedPerson]
    operators: tuple[int, int]
    by_id: dict[int, SimulatedPerson] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_id = {person.user_id: person for person in self.people}

    def of_group(self, group: Group, *, provider: bool | None = None) -> list[SimulatedPerson]:
        return [
            person
            for person in self.people
            if person.group is group and (provider is None or person.provider is provider)
        ]


def create_population(db: Session, plan: Plan, rng: np.random.Generator) -> Population:
    """Create all people of the plan and store their accounts."""
    drafts = [
        *_honest(plan, rng, plan.providers, provider=True),
        *_honest(plan, rng, plan.seekers, provider=False),
        *_attackers(plan, rng),
    ]
    ids = _store(db, drafts)
    people = [
        SimulatedPerson(user_id, group, provider, day, popularity=float(rng.gamma(0.8)) + 0.05)
        for user_id, (group, provider, day) in zip(ids, drafts, strict=True)
    ]
    _invite(people, plan, rng)
    return Population(people, _operators(db))


_Draft = tuple[Group, bool, int]


def _honest(plan: Plan, rng: np.random.Generator, count: int, *, provider: bool) -> list[_Draft]:
    """Accounts that join at a growing rate, providers earlier than seekers."""
    shape = 0.9 if provider else 0.65
    days = np.sort((rng.random(count) ** shape) * (plan.days - 1)).astype(int)
    return [(Group.HONEST, provider, int(day)) for day in days]


def _attackers(plan: Plan, rng: np.random.Generator) -> list[_Draft]:
    """Two fifths farm, two fifths form rings, one fifth washes; half of each are providers."""
    last_day = min(plan.behaviour.attackers_join_over_months * 30, plan.days * 0.6)
    farm, ring = plan.attackers * 2 // 5, plan.attackers * 2 // 5
    drafts: list[_Draft] = []
    groups = ((Group.FARM, farm), (Group.RING, ring), (Group.WASH, plan.attackers - farm - ring))
    for group, count in groups:
        for number in range(count):
            day = int(rng.random() * last_day) if number % 2 == 0 else drafts[-1][2]
            drafts.append((group, number % 2 == 0, day))
    return drafts


def _store(db: Session, drafts: list[_Draft]) -> list[int]:
    if not drafts:  # without rows, INSERT would store a row of defaults
        return []
    rows = [
        {
            "email": f"{group}{number}@simulation.example",
            "name": f"{group.capitalize()} {number}",
            "account_type": AccountType.PROVIDER if provider else AccountType.SEEKER,
            "email_confirmed_at": START + timedelta(days=day),
            "created_at": START + timedelta(days=day),
        }
        for number, (group, provider, day) in enumerate(drafts)
    ]
    db.execute(insert(User), rows)
    ids_by_email = {row.email: row.id for row in db.execute(select(User.email, User.id))}
    return [ids_by_email[str(row["email"])] for row in rows]


def _operators(db: Session) -> tuple[int, int]:
    operators = [
        User(
            email=f"operator{number}@simulation.example",
            name=f"Operator {number}",
            account_type=AccountType.OPERATOR,
        )
        for number in (1, 2)
    ]
    db.add_all(operators)
    db.flush()
    return operators[0].id, operators[1].id


def _invite(people: list[SimulatedPerson], plan: Plan, rng: np.random.Generator) -> None:
    """Set who invited whom: for honest people a random earlier one, for rings the first account."""
    joined: list[SimulatedPerson] = []
    for person in sorted(people, key=lambda person: person.joins_on):
        if person.group is Group.HONEST:
            if joined and rng.random() < plan.behaviour.invited:
                person.invited_by = joined[int(rng.integers(len(joined)))].user_id
            joined.append(person)
    ring = [person for person in people if person.group is Group.RING]
    for number, person in enumerate(ring):
        # Ten accounts form a ring; the first one collects the referral awards of the others.
        collector = ring[number // 10 * 10]
        person.invited_by = collector.user_id if collector is not person else None


def set_up_payouts(db: Session, person: SimulatedPerson, operator_id: int, day: int) -> None:
    """Give the person verified payout details and a second factor. Idempotent."""
    if person.payouts_set_up:
        return
    person.payouts_set_up = True
    moment = START + timedelta(days=day)
    user = db.get_one(User, person.user_id)
    user.totp_confirmed_at = moment
    db.add(
        PotPayee(
            user_id=person.user_id,
            details={
                "name": user.name,
                "account": "0000000000",
                "bank_code": "000000000",
                "country": "US",
            },
            details_changed_at=moment,
            identity_verified_at=moment,
            verified_by=operator_id,
        )
    )
