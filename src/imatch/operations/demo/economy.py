"""Generate ninety days of POT economy: demo people earn and spend by the real rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.categories.catalog import definition as category_definition
from imatch.categories.models import Category
from imatch.core import clock
from imatch.core.events import Listener, only_listeners
from imatch.core.money import usd
from imatch.engagements.models import Engagement, EngagementStatus
from imatch.facts.marketplace import (
    AnswerAccepted,
    AvailabilityPublished,
    CompletionConfirmed,
    ContentKind,
    ContentPublished,
    CredentialVerified,
    EngagementPaid,
    LeadAnswered,
    MatchFeedbackGiven,
    RatingGiven,
    ReportAccepted,
    ReportKind,
)
from imatch.facts.people import DayBegun, IdentityVerified, ProfileCompleted, Side
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.needs.models import Need
from imatch.operations.demo.generate import DEMO_DOMAIN
from imatch.pot.awards import service as awards
from imatch.pot.policy import service as policy
from imatch.pot.reserve import service as reserve
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME
from imatch.providers.models import Provider
from imatch.ratings.models import Rating

DAYS = 90
MAX_PEOPLE = 480  # providers, and as many seekers, who take part
_COMMISSION_BASIS_POINTS = 2_000
_DAILY_VISIT_SHARE = 0.03  # of joined people, each day
# What people buy, with weights. The other options require more than POT.
_SEEKERS_BUY = (("premium_match", 5), ("re_match", 4), ("workshop", 2), ("charity_burn", 1))
_PROVIDERS_BUY = (("profile_boost_month", 3), ("featured_listing_week", 3), ("event", 2))
_FOR_PROFILES = frozenset({"profile_boost_month", "featured_listing_week"})
_OPEN_ORDER_DAYS = 3

# While history is generated, only the awards listen to facts, so that nobody gets mail about it.
_LISTENERS: Mapping[type, Sequence[Listener]] = {
    kind: [awards.on_rewarded_fact] for kind in awards.REWARDED_FACTS
}


@dataclass(frozen=True, slots=True)
class _Person:
    """A demo person who takes part. `row_id` is the id of their profile or need."""

    user_id: int
    row_id: int
    category: str
    rewards_off: frozenset[str]
    joins_on: int
    provider: bool


def generate_history(
    db: Session, *, seed: int, progress: Callable[[int], None] = lambda _day: None
) -> None:
    """Generate the economy of the demo people in the last DAYS, starting with the genesis of POT.

    Call it inside one `atomic` block, on a database without POT. `progress` is called with each
    finished day.
    """
    now = clock.now()
    begin = (now - timedelta(days=DAYS)).replace(hour=0, minute=5, second=0, microsecond=0)
    with clock.frozen(begin):
        policy.genesis(db)
    history = _History(db, Random(seed), begin, now)
    with only_listeners(_LISTENERS):
        for day in range(DAYS + 1):
            history.run_day(day)
            progress(day)


class _History:
    """Runs the actions of each day, each with the clock frozen at its own time."""

    def __init__(self, db: Session, random: Random, begin: datetime, now: datetime) -> None:
        self.db = db
        self.random = random
        self.begin = begin
        self.now = now
        self.people = _people(db, random)
        self.last_number = 0
        self.pair_engagements: dict[tuple[int, int], int] = {}
        self.engagements_of: dict[int, int] = {}

    def run_day(self, day: int) -> None:
        """One day: the nightly jobs, then the actions of people in random order."""
        self._run_at(day, 0.2, self._jobs)
        joined = [person for person in self.people if person.joins_on <= day]
        joining = [person for person in joined if person.joins_on == day]
        visiting = [person for person in joined if self.random.random() < _DAILY_VISIT_SHARE]
        self._run_at(day, 9, lambda: self._join(joining))
        actions: list[Callable[[], None]] = [
            lambda: self._visit(visiting[0::3]),
            lambda: self._visit(visiting[1::3]),
            lambda: self._visit(visiting[2::3]),
            *(lambda: self._engage(joined) for _number in range(self.random.choice((1, 2, 3, 4)))),
            *(lambda: self._contribute(joined) for _number in range(self.random.choice((0, 1, 2)))),
            *(lambda: self._shop(joined) for _number in range(self.random.randint(3, 9))),
        ]
        actions.append(self._deliver)
        self.random.shuffle(actions)
        hours = sorted(self.random.triangular(9.5, 23, 18) for _action in actions)
        for hour, action in zip(hours, actions, strict=True):
            self._run_at(day, hour, action)

    def _run_at(self, day: int, hour: float, action: Callable[[], None]) -> None:
        moment = self.begin + timedelta(days=day, hours=hour)
        if moment < self.now:
            with clock.frozen(moment):
                action()

    def _next_number(self) -> int:
        self.last_number += 1
        return self.last_number

    def _jobs(self) -> None:
        if clock.now().weekday() == 0:
            policy.run_week(self.db)
        awards.pay_queue(self.db)
        reserve.clear_due(self.db)
        shop.settle_due(self.db)

    def _deliver(self) -> None:
        """Deliver orders after two days; those of the last days stay open for an operator."""
        if clock.now() > self.now - timedelta(days=_OPEN_ORDER_DAYS):
            return
        for order in shop_queries.open_orders(self.db):
            if order.created_at < clock.now() - timedelta(days=2):
                shop.deliver(self.db, order.id, note="Done")

    def _join(self, people: Sequence[_Person]) -> None:
        facts: list[object] = []
        for person in people:
            side = Side.PROVIDER if person.provider else Side.SEEKER
            facts.append(ProfileCompleted(person.user_id, side, person.rewards_off))
            if person.provider and (person.joins_on == 0 or self.random.random() < 0.4):
                facts.append(AvailabilityPublished(person.row_id, person.user_id))
                facts.append(CredentialVerified(person.row_id, person.user_id))
            elif not person.provider and self.random.random() < 0.4:
                facts.append(IdentityVerified(person.user_id))
        awards.award_all(self.db, facts)

    def _visit(self, people: Sequence[_Person]) -> None:
        day = clock.today()
        awards.award_all(self.db, [DayBegun(person.user_id, day) for person in people])

    def _engage(self, joined: Sequence[_Person]) -> None:
        """A seeker and a provider of the same category complete a paid engagement."""
        seekers = [person for person in joined if not person.provider]
        if not seekers:
            return
        seeker = self.random.choice(seekers)
        providers = [
            person for person in joined if person.provider and person.category == seeker.category
        ]
        if providers:
            # Squared: the first providers are chosen more often than the others.
            self._pay(seeker, providers[int(len(providers) * self.random.random() ** 2)])

    def _pay(self, seeker: _Person, provider: _Person) -> None:
        random, deal_cents = self.random, 100 * round(self.random.lognormvariate(6.6, 0.7))
        engagement = Engagement(
            seeker_id=seeker.row_id,
            provider_id=provider.row_id,
            status=EngagementStatus.COMPLETED,
            deal_cents=deal_cents,
            completed_at=clock.now(),
            created_at=clock.now() - timedelta(days=random.randint(3, 25)),
        )
        self.db.add(engagement)
        self.db.flush()
        paid = self._paid(engagement, seeker, provider, deal_cents)
        reserve.on_engagement_paid(self.db, paid)
        reply_minutes = random.randint(5, 2_000)
        facts: list[object] = [
            paid,
            LeadAnswered(engagement.id, provider.user_id, reply_minutes, provider.rewards_off),
            CompletionConfirmed(engagement.id, seeker.user_id, random.randint(60, 6_000)),
        ]
        if random.random() < 0.7:
            facts.append(self._rating(engagement, seeker, provider, deal_cents))
        awards.award_all(self.db, facts)

    def _paid(
        self, engagement: Engagement, seeker: _Person, provider: _Person, deal_cents: int
    ) -> EngagementPaid:
        pair = (seeker.user_id, provider.user_id)
        fact = EngagementPaid(
            engagement_id=engagement.id,
            provider_user_id=provider.user_id,
            seeker_user_id=seeker.user_id,
            deal_cents=deal_cents,
            commission_cents=usd(deal_cents).share_rounded_down(_COMMISSION_BASIS_POINTS).cents,
            paid_at=clock.now(),
            earlier_with_this_provider=self.pair_engagements.get(pair, 0),
            earlier_of_seeker=self.engagements_of.get(seeker.user_id, 0),
            earlier_of_provider=self.engagements_of.get(provider.user_id, 0),
            on_time=self.random.random() < 0.8,
            rewards_off=provider.rewards_off,
        )
        self.pair_engagements[pair] = fact.earlier_with_this_provider + 1
        self.engagements_of[seeker.user_id] = fact.earlier_of_seeker + 1
        self.engagements_of[provider.user_id] = fact.earlier_of_provider + 1
        return fact

    def _rating(
        self, engagement: Engagement, seeker: _Person, provider: _Person, deal_cents: int
    ) -> RatingGiven:
        stars = self.random.choices((5, 4, 3, 2, 1), (60, 25, 9, 4, 2))[0]
        rating = Rating(
            engagement_id=engagement.id,
            rater_user_id=seeker.user_id,
            rated_user_id=provider.user_id,
            stars=stars,
            created_at=clock.now(),
        )
        self.db.add(rating)
        self.db.flush()
        return RatingGiven(
            rating_id=rating.id,
            engagement_id=engagement.id,
            rater_user_id=seeker.user_id,
            rated_user_id=provider.user_id,
            rated_is_provider=True,
            stars=stars,
            deal_cents=deal_cents,
            rewards_off=provider.rewards_off,
        )

    def _contribute(self, joined: Sequence[_Person]) -> None:
        person, number = self.random.choice(joined), self._next_number()
        kind = self.random.choice((ContentKind.TIP, ContentKind.ARTICLE, ContentKind.GUIDE))
        facts = (
            ContentPublished(number, person.user_id, kind, person.rewards_off),
            AnswerAccepted(number, person.user_id, self.random.randint(1, 5)),
            MatchFeedbackGiven(number, person.user_id),
            ReportAccepted(
                number, person.user_id, self.random.choice((ReportKind.BUG, ReportKind.FEATURE))
            ),
        )
        awards.on_rewarded_fact(self.db, self.random.choices(facts, (2, 3, 4, 1))[0])

    def _shop(self, joined: Sequence[_Person]) -> None:
        person = self.random.choice(joined)
        # User 1 keeps their POT, so that they can afford a match.
        if person.user_id == self.people[0].user_id:
            return
        free_pot = free(self.db, POT, person.user_id)
        choices = [
            (option, weight)
            for option, weight in (_PROVIDERS_BUY if person.provider else _SEEKERS_BUY)
            if SPENDING_BY_NAME[option].pot <= free_pot
        ]
        if not choices:
            return
        option = self.random.choices(*zip(*choices, strict=True))[0]
        reference = None
        if not person.provider:
            reference = "seeker"
        elif option in _FOR_PROFILES:
            reference = "provider"
        shop.buy(
            self.db,
            person.user_id,
            option,
            key=f"demo {self._next_number()}",
            reference_type=reference,
            reference_id=person.row_id if reference else None,
        )


def _people(db: Session, random: Random) -> list[_Person]:
    """The first demo people of each side, starting with user 1; most join in the first weeks."""
    people: list[_Person] = []
    for table in (Provider, Need):
        rows = db.execute(
            select(User.id, table.id, Category.name)
            .join(table, table.user_id == User.id)
            .join(Category, Category.id == table.category_id)
            .where(User.email.endswith(f"@{DEMO_DOMAIN}"))
            .order_by(User.id)
            .limit(MAX_PEOPLE)
        )
        for user_id, row_id, category in rows:
            joins_on = int(min(random.expovariate(1 / 25), DAYS - 1)) if people else 0
            rewards_off = frozenset(category_definition(category).rewards.off)
            people.append(
                _Person(user_id, row_id, category, rewards_off, joins_on, table is Provider)
            )
    return people
