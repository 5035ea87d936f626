"""What honest people do: join, look, work, rate, publish, visit, spend."""

import numpy as np

from imatch.facts.marketplace import (
    AnswerAccepted,
    AvailabilityPublished,
    ContentKind,
    ContentPublished,
    CredentialVerified,
    MatchFeedbackGiven,
    PortfolioItemApproved,
    ProfileRefreshed,
    ReportAccepted,
    ReportKind,
)
from imatch.facts.people import DayBegun, IdentityVerified, ProfileCompleted, SecondFactorKept, Side
from imatch.operations.simulation.market import Market
from imatch.operations.simulation.people import Group, SimulatedPerson, open_for_payouts
from imatch.operations.simulation.plan import DAYS_A_MONTH
from imatch.operations.simulation.world import World

_KINDS = tuple(ContentKind)
_KIND_CHANCES = (0.4, 0.3, 0.2, 0.1)
_DAYS_A_QUARTER = 91


class Honest:
    """Lives of the honest, day by day."""

    def __init__(self, world: World, market: Market) -> None:
        self.world = world
        self.market = market
        self.seekers = world.population.of(Group.HONEST, provider=False)
        self.providers = world.population.of(Group.HONEST, provider=True)
        self.everybody = [*self.seekers, *self.providers]
        self._joining: dict[int, list[SimulatedPerson]] = {}
        for person in self.everybody:
            self._joining.setdefault(person.joins_on, []).append(person)
        world.every_day(self._join, hour=9)
        world.every_day(self._visit, hour=12)
        world.every_day(self._look_again, hour=15)
        world.every_day(self._contribute, hour=18)

    def _join(self) -> None:
        world = self.world
        for person in self._joining.get(world.day, ()):
            if world.happens(0.85):
                side = Side.PROVIDER if person.provider else Side.SEEKER
                world.hear(ProfileCompleted(person.user_id, side))
            if person.provider:
                self._set_up(person)
            else:
                self._look(person)
            if world.happens(world.behaviour.protects_account):
                world.hear_later(SecondFactorKept(person.user_id), days=31)
            if world.happens(world.behaviour.verifies_identity):
                world.hear(IdentityVerified(person.user_id))
                operator = world.population.operators[0]
                open_for_payouts(world.db, person, operator, world.day)

    def _set_up(self, provider: SimulatedPerson) -> None:
        world, behaviour = self.world, self.world.behaviour
        if world.happens(behaviour.verifies_credential):
            world.hear(CredentialVerified(world.number(), provider.user_id))
        if world.happens(behaviour.publishes_availability):
            world.hear(AvailabilityPublished(provider.user_id, provider.user_id))
        for _ in range(int(world.rng.poisson(behaviour.portfolio_items))):
            world.hear(PortfolioItemApproved(world.number(), provider.user_id))

    def _look(self, seeker: SimulatedPerson) -> None:
        """Find a provider: one who served before, or one among all by popularity."""
        world, behaviour = self.world, self.world.behaviour
        if world.happens(behaviour.gives_match_feedback):
            world.hear(MatchFeedbackGiven(world.number(), seeker.user_id))
        if not world.happens(behaviour.need_turns_into_engagement):
            return
        provider = self._provider_for(seeker)
        if provider is not None:
            self.market.engage(self.market.draw_deal(seeker, provider))

    def _provider_for(self, seeker: SimulatedPerson) -> SimulatedPerson | None:
        world = self.world
        if seeker.partners and world.happens(world.behaviour.same_provider_again):
            return world.population.by_id[next(iter(seeker.partners))]
        there = world.here(self.providers)
        if not there:
            return None
        sums = np.cumsum([provider.popularity for provider in there])
        return there[int(np.searchsorted(sums, world.rng.random() * sums[-1]))]

    def _look_again(self) -> None:
        chance = self.world.behaviour.further_needs_a_year / 365
        for seeker in self.world.chosen(self.world.here(self.seekers), chance):
            self._look(seeker)

    def _visit(self) -> None:
        """Sign in and do something."""
        world, behaviour = self.world, self.world.behaviour
        seekers = world.here(self.seekers)
        fresh = np.array([world.day - seeker.joins_on < DAYS_A_MONTH for seeker in seekers])
        chances = np.where(
            fresh, behaviour.seeker_logs_in_first_month, behaviour.seeker_logs_in_later
        )
        visitors = world.chosen(seekers, chances)
        visitors += world.chosen(world.here(self.providers), behaviour.provider_logs_in)
        for person in visitors:
            world.hear(DayBegun(person.user_id, world.today.date()))

    def _contribute(self) -> None:
        world, behaviour = self.world, self.world.behaviour
        providers, everybody = world.here(self.providers), world.here(self.everybody)
        for person in world.chosen(providers, behaviour.publishes_a_month / DAYS_A_MONTH):
            kind = ContentKind(world.rng.choice(_KINDS, p=_KIND_CHANCES))
            world.hear(ContentPublished(world.number(), person.user_id, kind))
        for person in world.chosen(providers, behaviour.refreshes_a_quarter / _DAYS_A_QUARTER):
            day = world.today.date()
            world.hear(ProfileRefreshed(person.user_id, person.user_id, day))
        for person in world.chosen(everybody, behaviour.helps_others_a_month / DAYS_A_MONTH):
            helpfulness = int(world.rng.integers(1, 6))
            world.hear(AnswerAccepted(world.number(), person.user_id, helpfulness))
        for person in world.chosen(everybody, behaviour.reports_a_month / DAYS_A_MONTH):
            reported = ReportKind(world.rng.choice((ReportKind.BUG, ReportKind.FEATURE)))
            world.hear(ReportAccepted(world.number(), person.user_id, reported))
