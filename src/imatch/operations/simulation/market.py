"""An engagement's life: answered, completed, paid, confirmed, rated, and now and then refunded."""

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

_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Deal:
    """Who works for whom for how much, and whether the money goes back some days after.

    `perfect` deals are made for awards, not for work.
    """

    seeker: SimulatedPerson
    provider: SimulatedPerson
    deal_cents: int
    days: float
    perfect: bool = False
    refunded_after_days: float | None = None


class Market:
    """Runs engagements through the facts that the real domains would announce."""

    def __init__(self, world: World) -> None:
        self.world = world

    def engage(self, deal: Deal) -> None:
        """The provider answers now; work is done and paid `deal.days` later."""
        world = self.world
        quick = deal.perfect or world.happens(0.85)
        world.hear(
            LeadAnswered(
                world.number(),
                deal.provider.user_id,
                int(world.rng.integers(20, _MINUTES_A_DAY) if quick else 2 * _MINUTES_A_DAY),
            )
        )
        world.later(deal.days, lambda: self._pay(deal))

    def draw_deal(self, seeker: SimulatedPerson, provider: SimulatedPerson) -> Deal:
        """An honest one."""
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
        """The payer's money goes back, and with it what it earned."""
        self.world.hear(EngagementReversed(engagement_id, "refunded"))
        deal.provider.commission_cents -= commission_cents

    def _pay(self, deal: Deal) -> None:
        world, behaviour = self.world, self.world.behaviour
        seeker, provider = deal.seeker, deal.provider
        engagement_id = world.number()
        basis_points = behaviour.commission_percent * BASIS_POINTS_PER_PERCENT
        commission = usd(deal.deal_cents).share_rounded_down(basis_points).cents
        world.hear(
            EngagementPaid(
                engagement_id=engagement_id,
                provider_user_id=provider.user_id,
                seeker_user_id=seeker.user_id,
                deal_cents=deal.deal_cents,
                commission_cents=commission,
                paid_at=clock.now(),
                earlier_with_this_provider=seeker.partners.get(provider.user_id, 0),
                earlier_of_seeker=seeker.engagements,
                earlier_of_provider=provider.engagements,
                on_time=deal.perfect or world.happens(behaviour.on_time),
                provider_referrer_user_id=_first(provider),
                seeker_referrer_user_id=_first(seeker),
            )
        )
        provider.commission_cents += commission
        seeker.engagements += 1
        provider.engagements += 1
        seeker.partners[provider.user_id] = seeker.partners.get(provider.user_id, 0) + 1
        if deal.refunded_after_days is not None:
            world.later(
                deal.refunded_after_days,
                lambda: self._refund(engagement_id, deal, commission),
            )
        elif provider.engagements % 10 == 0:
            world.hear(CleanRecordReached(provider.user_id, provider.engagements))
        self._afterwards(engagement_id, deal)

    def _afterwards(self, engagement_id: int, deal: Deal) -> None:
        world, behaviour = self.world, self.world.behaviour
        if deal.perfect or world.happens(behaviour.confirms_quickly):
            world.hear(CompletionConfirmed(engagement_id, deal.seeker.user_id, 600))
        if deal.perfect or world.happens(behaviour.seeker_rates):
            world.later(1, lambda: self._rate(engagement_id, deal, by_seeker=True))
        if deal.perfect or world.happens(behaviour.provider_rates):
            world.later(2, lambda: self._rate(engagement_id, deal, by_seeker=False))
        if not deal.perfect and world.happens(behaviour.testimonial):
            world.hear_later(TestimonialApproved(engagement_id, deal.seeker.user_id, 120), days=6)
        if not deal.perfect and world.happens(behaviour.success_story):
            story = SuccessStoryApproved(world.number(), deal.seeker.user_id)
            world.hear_later(story, days=20)

    def _rate(self, engagement_id: int, deal: Deal, *, by_seeker: bool) -> None:
        world, behaviour = self.world, self.world.behaviour
        rater, rated = deal.seeker, deal.provider
        if not by_seeker:
            rater, rated = rated, rater
        best = deal.perfect or world.happens(behaviour.five_stars)
        wordy = deal.perfect or world.happens(behaviour.writes_fifty_words)
        rating_id = world.number()
        world.hear(
            RatingGiven(
                rating_id=rating_id,
                engagement_id=engagement_id,
                rater_user_id=rater.user_id,
                rated_user_id=rated.user_id,
                rated_is_provider=by_seeker,
                stars=5 if best else int(world.rng.integers(1, 5)),
                deal_cents=deal.deal_cents,
                review_words=60 if wordy else 12,
            )
        )
        if by_seeker and (deal.perfect or world.happens(behaviour.provider_replies)):
            world.hear(ReviewReplied(rating_id, rated.user_id))


def _first(person: SimulatedPerson) -> int | None:
    """Who invited somebody, for their first paid engagement only."""
    return person.invited_by if person.engagements == 0 else None
