"""Four undetected attacks: account farms, invitation rings, wash trading, a run on the reserve.

Payments between an attacker's own accounts are free; only the commission is a cost.
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
from imatch.operations.simulation.people import Group, SimulatedPerson, set_up_payouts
from imatch.operations.simulation.plan import DAYS_PER_MONTH
from imatch.operations.simulation.world import World


class Attackers:
    """Accounts that exist to collect awards. They meet every condition of redemption."""

    def __init__(self, world: World, market: Market) -> None:
        self.world = world
        self.market = market
        self.accounts = [
            person for person in world.population.people if person.group is not Group.HONEST
        ]
        self.farm = world.population.of_group(Group.FARM)
        self.wash = world.population.of_group(Group.WASH)
        ring = world.population.of_group(Group.RING)
        # Adjacent accounts, a provider and a seeker, trade with each other.
        self._partners = {
            first.user_id: second
            for group in (ring, self.wash)
            for first, second in zip(group[::2], group[1::2], strict=False)
        }
        world.schedule_daily(self._join, hour=10)
        world.schedule_daily(self._collect, hour=13)
        world.schedule_daily(self._wash, hour=16)

    def _join(self) -> None:
        for person in self.accounts:
            if person.joins_on == self.world.day:
                self._prepare(person)

    def _prepare(self, person: SimulatedPerson) -> None:
        """Collect the one-time awards, and meet the conditions of redemption."""
        world = self.world
        side = Side.PROVIDER if person.provider else Side.SEEKER
        world.announce(ProfileCompleted(person.user_id, side))
        world.announce(IdentityVerified(person.user_id))
        set_up_payouts(world.db, person, world.population.operators[0], world.day)
        world.announce_later(SecondFactorKept(person.user_id), days=31)
        if person.provider:
            world.announce(AvailabilityPublished(person.user_id, person.user_id))
            world.announce(LeadAnswered(world.next_id(), person.user_id, 5))
            for _ in range(5):
                world.announce(PortfolioItemApproved(world.next_id(), person.user_id))
        partner = self._partners.get(person.user_id)
        if person.group is Group.RING and partner is not None:
            cents = world.behaviour.ring_deal_cents
            self.market.engage(Deal(partner, person, cents, 7, perfect=True))

    def _collect(self) -> None:
        """The farm's daily sign-ins, and all awards that need no engagement."""
        world = self.world
        farm = world.joined(self.farm)
        day = world.today.date()
        for person in farm:
            world.announce(DayBegun(person.user_id, day))
        for person in world.sample(farm, 8 / DAYS_PER_MONTH):
            world.announce(MatchFeedbackGiven(world.next_id(), person.user_id))
        for person in world.sample(farm, 2 / DAYS_PER_MONTH):
            if world.happens(world.behaviour.fake_content_approved):
                world.announce(
                    ContentPublished(world.next_id(), person.user_id, ContentKind.ARTICLE)
                )
        for person in world.sample(farm, 2 / DAYS_PER_MONTH):
            world.announce(AnswerAccepted(world.next_id(), person.user_id, 5))
        for person in world.sample(farm, 4 / 365):
            world.announce(ProfileRefreshed(person.user_id, person.user_id, day))

    def _wash(self) -> None:
        """Pairs complete large deals with each other and pay the commission."""
        world, behaviour = self.world, self.world.behaviour
        sellers = [person for person in world.joined(self.wash) if person.user_id in self._partners]
        for seller in world.sample(sellers, behaviour.wash_deals_a_month / DAYS_PER_MONTH):
            deal = Deal(
                self._partners[seller.user_id],
                seller,
                behaviour.wash_deal_cents,
                1,
                perfect=True,
                refunded_after_days=25 if world.happens(behaviour.wash_refunded) else None,
            )
            self.market.engage(deal)
