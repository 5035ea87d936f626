"""The life of an engagement: answered, paid, confirmed, rated, sometimes refunded."""

from dataclasses import dataclass

from imatch.core import clock
from imatch.core.money import BASIS_POINTS_PER_PERCENT, usd
from imatch.facts.marketplace import (
    CleanRecordReached,
    CompletionConfirmed,
    EngagementPaid,
    EngagementReversed,
    LeadAnswered,
    RatingGiven,
    ReviewReplied,
    SuccessStoryApproved,
    TestimonialApproved,
)
from imatch.operations.simulation.people import SimulatedPerson
from imatch.operations.simulation.world import World

_MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Deal:
    """The terms of an engagement.

    `perfect` deals exist for their awards: everything that earns POT happens.
    """

    seeker: SimulatedPerson
    provider: SimulatedPerson
    deal_cents: int
    days: float
    perfect: bool = False
    refunded_after_days: float | None = None


class Market:
    """Announces the facts of engagements, as the real domains would."""

    def __init__(self, world: World) -> None:
        self.world = world

    def engage(self, deal: Deal) -> None:
        """The provider answers now; the engagement is paid `deal.days` later."""
        world = self.world
        is_quick = deal.perfect or world.happens(0.85)
        world.announce(
            LeadAnswered(
                world.next_id(),
                deal.provider.user_id,
                int(world.rng.integers(20, _MINUTES_PER_DAY) if is_quick else 2 * _MINUTES_PER_DAY),
            )
        )
        world.schedule(deal.days, lambda: self._pay(deal))

    def draw_deal(self, seeker: SimulatedPerson, provider: SimulatedPerson) -> Deal:
        """A random honest deal."""
        rng, behaviour = self.world.rng, self.world.behaviour
        cents = rng.lognormal(0, behaviour.deal_spread) * behaviour.median_deal_cents
        refunded = self.world.happens(behaviour.refunded)
        return Deal(
            seeker,
            provider,
            int(min(max(cents, 4_000), 2_000_000)),
            days=float(rng.uniform(5, 45)),
            refunded_after_days=float(rng.uniform(10, 50)) if refunded else None,
        )

    def _refund(self, engagement_id: int, deal: Deal, commission_cents: int) -> None:
        """Refund an engagement; the economy claws back its awards."""
        self.world.announce(EngagementReversed(engagement_id, "refunded"))
        deal.provider.commission_cents -= commission_cents

    def _pay(self, deal: Deal) -> None:
        world, behaviour = self.world, self.world.behaviour
        seeker, provider = deal.seeker, deal.provider
        engagement_id = world.next_id()
        basis_points = behaviour.commission_percent * BASIS_POINTS_PER_PERCENT
        commission_cents = usd(deal.deal_cents).share_rounded_down(basis_points).cents
        world.announce(
            EngagementPaid(
                engagement_id=engagement_id,
                provider_user_id=provider.user_id,
                seeker_user_id=seeker.user_id,
                deal_cents=deal.deal_cents,
                commission_cents=commission_cents,
                paid_at=clock.now(),
                earlier_with_this_provider=seeker.partners.get(provider.user_id, 0),
                earlier_of_seeker=seeker.engagements,
                earlier_of_provider=provider.engagements,
                on_time=deal.perfect or world.happens(behaviour.on_time),
                provider_referrer_user_id=_referrer(provider),
                seeker_referrer_user_id=_referrer(seeker),
            )
        )
        provider.commission_cents += commission_cents
        seeker.engagements += 1
        provider.engagements += 1
        seeker.partners[provider.user_id] = seeker.partners.get(provider.user_id, 0) + 1
        if deal.refunded_after_days is not None:
            world.schedule(
                deal.refunded_after_days,
                lambda: self._refund(engagement_id, deal, commission_cents),
            )
        elif provider.engagements % 10 == 0:
            world.announce(CleanRecordReached(provider.user_id, provider.engagements))
        self._follow_up(engagement_id, deal)

    def _follow_up(self, engagement_id: int, deal: Deal) -> None:
        world, behaviour = self.world, self.world.behaviour
        if deal.perfect or world.happens(behaviour.confirms_quickly):
            world.announce(CompletionConfirmed(engagement_id, deal.seeker.user_id, 600))
        if deal.perfect or world.happens(behaviour.seeker_rates):
            world.schedule(1, lambda: self._rate(engagement_id, deal, by_seeker=True))
        if deal.perfect or world.happens(behaviour.provider_rates):
            world.schedule(2, lambda: self._rate(engagement_id, deal, by_seeker=False))
        if not deal.perfect and world.happens(behaviour.testimonial):
            world.announce_later(
                TestimonialApproved(engagement_id, deal.seeker.user_id, 120), days=6
            )
        if not deal.perfect and world.happens(behaviour.success_story):
            story = SuccessStoryApproved(world.next_id(), deal.seeker.user_id)
            world.announce_later(story, days=20)

    def _rate(self, engagement_id: int, deal: Deal, *, by_seeker: bool) -> None:
        world, behaviour = self.world, self.world.behaviour
        rater, rated = deal.seeker, deal.provider
        if not by_seeker:
            rater, rated = rated, rater
        five_stars = deal.perfect or world.happens(behaviour.five_stars)
        long_review = deal.perfect or world.happens(behaviour.writes_fifty_words)
        rating_id = world.next_id()
        world.announce(
            RatingGiven(
                rating_id=rating_id,
                engagement_id=engagement_id,
                rater_user_id=rater.user_id,
                rated_user_id=rated.user_id,
                rated_is_provider=by_seeker,
                stars=5 if five_stars else int(world.rng.integers(1, 5)),
                deal_cents=deal.deal_cents,
                review_words=60 if long_review else 12,
            )
        )
        if by_seeker and (deal.perfect or world.happens(behaviour.provider_replies)):
            world.announce(ReviewReplied(rating_id, rated.user_id))


def _referrer(person: SimulatedPerson) -> int | None:
    """Who invited this person, on their first paid engagement only."""
    return person.invited_by if person.engagements == 0 else None
