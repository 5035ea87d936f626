"""The state shared by all parts of a simulation, and the link to the real economy."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from imatch.core.events import Listener
from imatch.facts.economy import AllowanceWithdrawn
from imatch.facts.marketplace import EngagementPaid, EngagementReversed
from imatch.operations.simulation.agenda import Action, Agenda
from imatch.operations.simulation.people import Population, SimulatedPerson
from imatch.operations.simulation.plan import START, Behaviour, Plan
from imatch.pot.awards import clawbacks
from imatch.pot.awards import service as awards
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as reserve

# Only the economy listens to its own facts: other domains have no rows to act on.
LISTENERS: dict[type, list[Listener]] = {
    **{kind: [awards.on_rewarded_fact] for kind in awards.REWARDED_FACTS},
    AllowanceWithdrawn: [redemptions.on_allowance_withdrawn],
}
_MORNING_HOUR = 8


class World:
    """Clock, random numbers, people and agenda. `announce` passes facts to the economy."""

    def __init__(
        self, db: Session, plan: Plan, rng: np.random.Generator, population: Population
    ) -> None:
        self.db = db
        self.plan = plan
        self.rng = rng
        self.population = population
        self.agenda = Agenda()
        self.day = 0
        self.facts = 0
        self._numbers = itertools.count(1)
        self._announced: list[object] = []

    @property
    def behaviour(self) -> Behaviour:
        return self.plan.behaviour

    @property
    def today(self) -> datetime:
        return START + timedelta(days=self.day)

    def next_id(self) -> int:
        """A unique id, for objects that are not stored."""
        return next(self._numbers)

    def announce(self, fact: object) -> None:
        """Announce a fact, as its domain would. Processed by `process_facts`."""
        self.facts += 1
        self._announced.append(fact)

    def process_facts(self) -> None:
        """Pass the announced facts to the economy, in their order."""
        for fact in self._announced:
            if isinstance(fact, EngagementPaid):
                reserve.on_engagement_paid(self.db, fact)
            elif isinstance(fact, EngagementReversed):
                reserve.on_engagement_reversed(self.db, fact)
                clawbacks.on_engagement_reversed(self.db, fact)
        awards.award_all(self.db, self._announced)
        self._announced.clear()

    def announce_later(self, fact: object, *, days: float) -> None:
        self.schedule(days, lambda: self.announce(fact))

    def schedule(self, days: float, action: Action) -> None:
        """Schedule an action for the morning in this many days, tomorrow at the earliest."""
        morning = self.today + timedelta(days=max(round(days), 1), hours=_MORNING_HOUR)
        self.agenda.add(morning, action)

    def happens(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def joined(self, people: list[SimulatedPerson]) -> list[SimulatedPerson]:
        """The people among these who have joined by today."""
        return [person for person in people if person.joins_on <= self.day]

    def sample(
        self, people: list[SimulatedPerson], chance: float | np.ndarray
    ) -> list[SimulatedPerson]:
        """A random sample in which each person is included with the given probability."""
        indices = np.flatnonzero(self.rng.random(len(people)) < chance)
        return [people[index] for index in indices]

    def schedule_daily(self, action: Callable[[], None], *, hour: int, first_day: int = 0) -> None:
        """Schedule an action for this hour of every day from `first_day` on."""
        moment = START + timedelta(days=first_day, hours=hour)

        def run_and_reschedule() -> None:
            action()
            next_moment = START + timedelta(days=self.day + 1, hours=hour)
            self.agenda.add(next_moment, run_and_reschedule)

        self.agenda.add(moment, run_and_reschedule)
