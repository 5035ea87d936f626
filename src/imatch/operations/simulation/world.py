"""The simulated world: its clock, its chance, its people, and the real economy they meet."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from imatch.core.events import Listener
from imatch.facts.economy import AllowanceWithdrawn
from imatch.facts.marketplace import EngagementPaid, EngagementReversed
from imatch.operations.simulation.agenda import Act, Agenda
from imatch.operations.simulation.people import Population, SimulatedPerson
from imatch.operations.simulation.plan import START, Behaviour, Plan
from imatch.pot.awards import clawbacks
from imatch.pot.awards import service as awards
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as reserve

# What the economy announces, it alone hears: other domains have nothing to act on in this world.
LISTENERS: dict[type, list[Listener]] = {
    **{kind: [awards.on_rewarded_fact] for kind in awards.REWARDED_FACTS},
    AllowanceWithdrawn: [redemptions.on_allowance_withdrawn],
}
_MORNING = 8  # o'clock


class World:
    """What all parts of the simulation share. `hear` tells the real economy."""

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
        self._overheard: list[object] = []

    @property
    def behaviour(self) -> Behaviour:
        return self.plan.behaviour

    @property
    def today(self) -> datetime:
        return START + timedelta(days=self.day)

    def number(self) -> int:
        """A number nobody had before, for what this marketplace would give one to."""
        return next(self._numbers)

    def hear(self, fact: object) -> None:
        """Let the rules hear of something, as the announcing domain would."""
        self.facts += 1
        self._overheard.append(fact)

    def settle(self) -> None:
        """Let the economy act on what was announced at one moment, in its order."""
        for fact in self._overheard:
            if isinstance(fact, EngagementPaid):
                reserve.on_engagement_paid(self.db, fact)
            elif isinstance(fact, EngagementReversed):
                reserve.on_engagement_reversed(self.db, fact)
                clawbacks.on_engagement_reversed(self.db, fact)
        awards.award_all(self.db, self._overheard)
        self._overheard.clear()

    def hear_later(self, fact: object, *, days: float) -> None:
        self.later(days, lambda: self.hear(fact))

    def later(self, days: float, act: Act) -> None:
        """Plan an act for the morning, so many days from now; tomorrow's at the earliest."""
        morning = self.today + timedelta(days=max(round(days), 1), hours=_MORNING)
        self.agenda.plan(morning, act)

    def happens(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def here(self, people: list[SimulatedPerson]) -> list[SimulatedPerson]:
        """Those of these who have joined by today."""
        return [person for person in people if person.joins_on <= self.day]

    def chosen(
        self, people: list[SimulatedPerson], chance: float | np.ndarray
    ) -> list[SimulatedPerson]:
        """Each with its chance."""
        drawn = np.flatnonzero(self.rng.random(len(people)) < chance)
        return [people[index] for index in drawn]

    def every_day(self, act: Callable[[], None], *, hour: int, first_day: int = 0) -> None:
        """Plan an act for this hour of every day from `first_day` on."""
        moment = START + timedelta(days=first_day, hours=hour)

        def acted() -> None:
            act()
            following = START + timedelta(days=self.day + 1, hours=hour)
            self.agenda.plan(following, acted)

        self.agenda.plan(moment, acted)
