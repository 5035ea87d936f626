"""Four attacks, which nobody detects: farms, rings, washing pairs and a run on the reserve.

Money between an attacker's own accounts costs nothing; only commission really leaves.
"""

from imatch.facts.marketplace import (
    AnswerAccepted,
    AvailabilityPublished,
    ContentKind,
    ContentPublished,
    LeadAnswered,
    MatchFeedbackGiven,
    PortfolioItemApproved,
    ProfileRefreshed,
)
from imatch.facts.people import DayBegun, IdentityVerified, ProfileCompleted, SecondFactorKept, Side
from imatch.operations.simulation.market import Deal, Market
from imatch.operations.simulation.people import Group, SimulatedPerson, open_for_payouts
from imatch.operations.simulation.plan import DAYS_A_MONTH
from imatch.operations.simulation.world import World


class Attackers:
    """Accounts made to collect awards; they pass every gate that money or patience passes."""

    def __init__(self, world: World, market: Market) -> None:
        self.world = world
        self.market = market
        self.accounts = [
            person for person in world.population.people if person.group is not Group.HONEST
        ]
        self.farm = world.population.of(Group.FARM)
        self.wash = world.population.of(Group.WASH)
        ring = world.population.of(Group.RING)
        # Neighbours of different roles deal with each other.
        self._other = {
            one.user_id: two
            for group in (ring, self.wash)
            for one, two in zip(group[::2], group[1::2], strict=False)
        }
        world.every_day(self._join, hour=10)
        world.every_day(self._collect, hour=13)
        world.every_day(self._wash_on, hour=16)

    def _join(self) -> None:
        for person in self.accounts:
            if person.joins_on == self.world.day:
                self._prepare(person)

    def _prepare(self, person: SimulatedPerson) -> None:
        """Whatever earns at the start, and every gate of redemption."""
        world = self.world
        side = Side.PROVIDER if person.provider else Side.SEEKER
        world.hear(ProfileCompleted(person.user_id, side))
        world.hear(IdentityVerified(person.user_id))
        open_for_payouts(world.db, person, world.population.operators[0], world.day)
        world.hear_later(SecondFactorKept(person.user_id), days=31)
        if person.provider:
            world.hear(AvailabilityPublished(person.user_id, person.user_id))
            world.hear(LeadAnswered(world.number(), person.user_id, 5))
            for _ in range(5):
                world.hear(PortfolioItemApproved(world.number(), person.user_id))
        partner = self._other.get(person.user_id)
        if person.group is Group.RING and partner is not None:
            cents = world.behaviour.ring_deal_cents
            self.market.engage(Deal(partner, person, cents, 7, perfect=True))

    def _collect(self) -> None:
        """The farm signs in everywhere every day, and takes what needs no engagement."""
        world = self.world
        farm = world.here(self.farm)
        day = world.today.date()
        for person in farm:
            world.hear(DayBegun(person.user_id, day))
        for person in world.chosen(farm, 8 / DAYS_A_MONTH):
            world.hear(MatchFeedbackGiven(world.number(), person.user_id))
        for person in world.chosen(farm, 2 / DAYS_A_MONTH):
            if world.happens(world.behaviour.fake_content_approved):
                world.hear(ContentPublished(world.number(), person.user_id, ContentKind.ARTICLE))
        for person in world.chosen(farm, 2 / DAYS_A_MONTH):
            world.hear(AnswerAccepted(world.number(), person.user_id, 5))
        for person in world.chosen(farm, 4 / 365):
            world.hear(ProfileRefreshed(person.user_id, person.user_id, day))

    def _wash_on(self) -> None:
        """Pairs pay each other large deals, with the real commission."""
        world, behaviour = self.world, self.world.behaviour
        sellers = [person for person in world.here(self.wash) if person.user_id in self._other]
        for seller in world.chosen(sellers, behaviour.wash_deals_a_month / DAYS_A_MONTH):
            deal = Deal(
                self._other[seller.user_id],
                seller,
                behaviour.wash_deal_cents,
                1,
                perfect=True,
                refunded_after_days=25 if world.happens(behaviour.wash_refunded) else None,
            )
            self.market.engage(deal)
