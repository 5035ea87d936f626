"""Honest people: they join, find providers, visit and contribute."""

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
from imatch.operations.simulation.people import Group, SimulatedPerson, set_up_payouts
from imatch.operations.simulation.plan import DAYS_PER_MONTH
from imatch.operations.simulation.world import World

_KINDS = tuple(ContentKind)
_KIND_CHANCES = (0.4, 0.3, 0.2, 0.1)
_DAYS_PER_QUARTER = 91


class HonestPeople:
    """The daily actions of honest people."""

    def __init__(self, world: World, market: Market) -> None:
        self.world = world
        self.market = market
        self.seekers = world.population.of_group(Group.HONEST, provider=False)
        self.providers = world.population.of_group(Group.HONEST, provider=True)
        self.people = [*self.seekers, *self.providers]
        self._joining_by_day: dict[int, list[SimulatedPerson]] = {}
        for person in self.people:
            self._joining_by_day.setdefault(person.joins_on, []).append(person)
        world.schedule_daily(self._join, hour=9)
        world.schedule_daily(self._visit, hour=12)
        world.schedule_daily(self._find_more_providers, hour=15)
        world.schedule_daily(self._contribute, hour=18)

    def _join(self) -> None:
        world = self.world
        for person in self._joining_by_day.get(world.day, ()):
            if world.happens(0.85):
                side = Side.PROVIDER if person.provider else Side.SEEKER
                world.announce(ProfileCompleted(person.user_id, side))
            if person.provider:
                self._set_up(person)
            else:
                self._find_provider(person)
            if world.happens(world.behaviour.protects_account):
                world.announce_later(SecondFactorKept(person.user_id), days=31)
            if world.happens(world.behaviour.verifies_identity):
                world.announce(IdentityVerified(person.user_id))
                operator = world.population.operators[0]
                set_up_payouts(world.db, person, operator, world.day)

    def _set_up(self, provider: SimulatedPerson) -> None:
        world, behaviour = self.world, self.world.behaviour
        if world.happens(behaviour.verifies_credential):
            world.announce(CredentialVerified(world.next_id(), provider.user_id))
        if world.happens(behaviour.publishes_availability):
            world.announce(AvailabilityPublished(provider.user_id, provider.user_id))
        for _ in range(int(world.rng.poisson(behaviour.portfolio_items))):
            world.announce(PortfolioItemApproved(world.next_id(), provider.user_id))

    def _find_provider(self, seeker: SimulatedPerson) -> None:
        """A need, and sometimes an engagement that follows from it."""
        world, behaviour = self.world, self.world.behaviour
        if world.happens(behaviour.gives_match_feedback):
            world.announce(MatchFeedbackGiven(world.next_id(), seeker.user_id))
        if not world.happens(behaviour.need_turns_into_engagement):
            return
        provider = self._choose_provider(seeker)
        if provider is not None:
            self.market.engage(self.market.draw_deal(seeker, provider))

    def _choose_provider(self, seeker: SimulatedPerson) -> SimulatedPerson | None:
        world = self.world
        if seeker.partners and world.happens(world.behaviour.same_provider_again):
            return world.population.by_id[next(iter(seeker.partners))]
        providers = world.joined(self.providers)
        if not providers:
            return None
        cumulated = np.cumsum([provider.popularity for provider in providers])
        return providers[int(np.searchsorted(cumulated, world.rng.random() * cumulated[-1]))]

    def _find_more_providers(self) -> None:
        chance = self.world.behaviour.further_needs_a_year / 365
        for seeker in self.world.sample(self.world.joined(self.seekers), chance):
            self._find_provider(seeker)

    def _visit(self) -> None:
        """The first action of a day while signed in."""
        world, behaviour = self.world, self.world.behaviour
        seekers = world.joined(self.seekers)
        is_new = np.array([world.day - seeker.joins_on < DAYS_PER_MONTH for seeker in seekers])
        chances = np.where(
            is_new, behaviour.seeker_logs_in_first_month, behaviour.seeker_logs_in_later
        )
        visitors = world.sample(seekers, chances)
        visitors += world.sample(world.joined(self.providers), behaviour.provider_logs_in)
        for person in visitors:
            world.announce(DayBegun(person.user_id, world.today.date()))

    def _contribute(self) -> None:
        world, behaviour = self.world, self.world.behaviour
        providers, people = world.joined(self.providers), world.joined(self.people)
        for person in world.sample(providers, behaviour.publishes_a_month / DAYS_PER_MONTH):
            kind = ContentKind(world.rng.choice(_KINDS, p=_KIND_CHANCES))
            world.announce(ContentPublished(world.next_id(), person.user_id, kind))
        for person in world.sample(providers, behaviour.refreshes_a_quarter / _DAYS_PER_QUARTER):
            day = world.today.date()
            world.announce(ProfileRefreshed(person.user_id, person.user_id, day))
        for person in world.sample(people, behaviour.helps_others_a_month / DAYS_PER_MONTH):
            helpfulness = int(world.rng.integers(1, 6))
            world.announce(AnswerAccepted(world.next_id(), person.user_id, helpfulness))
        for person in world.sample(people, behaviour.reports_a_month / DAYS_PER_MONTH):
            reported = ReportKind(world.rng.choice((ReportKind.BUG, ReportKind.FEATURE)))
            world.announce(ReportAccepted(world.next_id(), person.user_id, reported))
