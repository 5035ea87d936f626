"""The parameters of a simulation: number of people, duration and behaviour."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

START = datetime(2026, 1, 5, tzinfo=UTC)  # any Monday
DAYS_PER_MONTH = 365 / 12


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Assumptions about behaviour. Chances are per day unless the name says otherwise.

    They describe a young marketplace and are not measured.
    """

    # Honest seekers
    seeker_logs_in_first_month: float = 0.06
    seeker_logs_in_later: float = 0.012
    need_turns_into_engagement: float = 0.35
    further_needs_a_year: float = 0.9
    same_provider_again: float = 0.35
    gives_match_feedback: float = 0.10

    # Honest providers
    provider_logs_in: float = 0.15
    publishes_a_month: float = 0.04
    refreshes_a_quarter: float = 0.4
    verifies_credential: float = 0.6
    publishes_availability: float = 0.5
    portfolio_items: float = 2.0  # on average

    # Engagements
    median_deal_cents: int = 50_000
    deal_spread: float = 0.8  # of the logarithm
    commission_percent: int = 20
    on_time: float = 0.75
    seeker_rates: float = 0.55
    provider_rates: float = 0.35
    five_stars: float = 0.65
    writes_fifty_words: float = 0.30
    provider_replies: float = 0.40
    confirms_quickly: float = 0.70
    testimonial: float = 0.06
    success_story: float = 0.01
    refunded: float = 0.02  # disputes and refunds, within ten to fifty days

    # Everybody
    invited: float = 0.12  # of those who join, by an earlier person
    protects_account: float = 0.25
    verifies_identity: float = 0.30
    helps_others_a_month: float = 0.01
    reports_a_month: float = 0.004
    shops_a_month: float = 0.25  # of those who can afford something
    orders_among_purchases: float = 0.2  # share of options that operators deliver
    redeems_a_month: float = 0.15  # of eligible people

    # Attackers, who are never detected
    attackers_join_over_months: float = 12
    fake_content_approved: float = 0.25  # share that an operator approves by mistake
    ring_deal_cents: int = 10_000  # the smallest that earns a rating bonus
    wash_deal_cents: int = 200_000
    wash_deals_a_month: float = 2.0
    wash_refunded: float = 0.2  # commission taken back before it clears, POT spent by then
    run_day: int = 540
    run_days: int = 42


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulation. The same plan gives the same results."""

    months: int = 24
    seekers: int = 3_900
    providers: int = 800
    attackers: int = 300
    seed: int = 1
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def days(self) -> int:
        return round(self.months * DAYS_PER_MONTH)
