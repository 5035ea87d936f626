"""Ninety days of an economy: fictional people earn, spend and work by the real rules."""

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
MOST_PEOPLE = 480  # of each side who take part
_COMMISSION_BASIS_POINTS = 2_000
_VISITS = 0.03  # of those who have joined, on a day
# What they spend POT on, with the share of each: the rest of the shop needs more than a wish.
_SEEKERS_BUY = (("premium_match", 5), ("re_match", 4), ("workshop", 2), ("charity_burn", 1))
_PROVIDERS_BUY = (("profile_boost_month", 3), ("featured_listing_week", 3), ("event", 2))
_NEEDS_A_PROFILE = frozenset({"profile_boost_month", "featured_listing_week"})
_ORDERS_LEFT_OPEN_DAYS = 3

# While the past is lived through, only the economy hears itself: nobody is written to about it.
_LISTENERS: Mapping[type, Sequence[Listener]] = {
    kind: [awards.on_rewarded_fact] for kind in awards.REWARDED_FACTS
}


@dataclass(frozen=True, slots=True)
class _Person:
    """A demo person who takes part; `row_id` is the profile or the need."""

    user_id: int
    row_id: int
    category: str
    rewards_off: frozenset[str]
    joins_on: int
    provider: bool


def live(db: Session, *, seed: int, progress: Callable[[int], None] = lambda _day: None) -> None:
    """Let the demo people live through the DAYS before now; the POT begin on the first of them.

    To be called in one `atomic` block, on a database whose economy has not begun.
    """
    now = clock.now()
    begin = (now - timedelta(days=DAYS)).replace(hour=0, minute=5, second=0, microsecond=0)
    with clock.frozen(begin):
        policy.genesis(db)
    history = _History(db, Random(seed), begin, now)
    with only_listeners(_LISTENERS):
        for day in range(DAYS + 1):
            history.live_through(day)
            progress(day)


class _History:
    """What happens on each day, each act at its own moment."""

    def __init__(self, db: Session, random: Random, begin: datetime, now: datetime) -> None:
        self.db = db
        self.random = random
        self.begin = begin
        self.now = now
        self.people = _people(db, random)
        self.number = 0
        self.engaged: dict[tuple[int, int], int] = {}
        self.engagements_of: dict[int, int] = {}

    def live_through(self, day: int) -> None:
        """One day: the jobs at night, then what people do between eight and twenty."""
        self._at(day, 0.2, self._jobs)
        here = [person for person in self.people if person.joins_on <= day]
        joining = [person for person in here if person.joins_on == day]
        visiting = [person for person in here if self.random.random() < _VISITS]
        self._at(day, 9, lambda: self._join(joining))
        acts: list[Callable[[], None]] = [
            lambda: self._visit(visiting[0::3]),
            lambda: self._visit(visiting[1::3]),
            lambda: self._visit(visiting[2::3]),
            *(lambda: self._engage(here) for _number in range(self.random.choice((1, 2, 3, 4)))),
            *(lambda: self._contribute(here) for _number in range(self.random.choice((0, 1, 2)))),
            *(lambda: self._shop(here) for _number in range(self.random.randint(3, 9))),
        ]
        acts.append(self._deliver)
        self.random.shuffle(acts)
        hours = sorted(self.random.triangular(9.5, 23, 18) for _act in acts)
        for hour, act in zip(hours, acts, strict=True):
            self._at(day, hour, act)

    def _at(self, day: int, hour: float, act: Callable[[], None]) -> None:
        moment = self.begin + timedelta(days=day, hours=hour)
        if moment < self.now:
            with clock.frozen(moment):
                act()

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _jobs(self) -> None:
        if clock.now().weekday() == 0:
            policy.run_week(self.db)
        awards.pay_queue(self.db)
        reserve.clear_due(self.db)
        shop.settle_due(self.db)

    def _deliver(self) -> None:
        """What was ordered two days ago; the last days' orders are left for an operator."""
        if clock.now() > self.now - timedelta(days=_ORDERS_LEFT_OPEN_DAYS):
            return
        for order in shop_queries.open_orders(self.db):
            if order.created_at < clock.now() - timedelta(days=2):
                shop.deliver(self.db, order.id, note="Done")

    def _join(self, people: Sequence[_Person]) -> None:
        told: list[object] = []
        for person in people:
            side = Side.PROVIDER if person.provider else Side.SEEKER
            told.append(ProfileCompleted(person.user_id, side, person.rewards_off))
            if person.provider and (person.joins_on == 0 or self.random.random() < 0.4):
                told.append(AvailabilityPublished(person.row_id, person.user_id))
                told.append(CredentialVerified(person.row_id, person.user_id))
            elif not person.provider and self.random.random() < 0.4:
                told.append(IdentityVerified(person.user_id))
        awards.award_all(self.db, told)

    def _visit(self, people: Sequence[_Person]) -> None:
        day = clock.today()
        awards.award_all(self.db, [DayBegun(person.user_id, day) for person in people])

    def _engage(self, here: Sequence[_Person]) -> None:
        """A seeker and a provider of one category finish and pay something."""
        seekers = [person for person in here if not person.provider]
        if not seekers:
            return
        seeker = self.random.choice(seekers)
        providers = [
            person for person in here if person.provider and person.category == seeker.category
        ]
        if providers:
            # The first ones are asked most: a few have much, most have little.
            self._pay(seeker, providers[int(len(providers) * self.random.random() ** 2)])

    def _pay(self, seeker: _Person, provider: _Person) -> None:
        random, cents = self.random, 100 * round(self.random.lognormvariate(6.6, 0.7))
        done = Engagement(
            seeker_id=seeker.row_id,
            provider_id=provider.row_id,
            status=EngagementStatus.COMPLETED,
            deal_cents=cents,
            completed_at=clock.now(),
            created_at=clock.now() - timedelta(days=random.randint(3, 25)),
        )
        self.db.add(done)
        self.db.flush()
        paid = self._paid(done, seeker, provider, cents)
        reserve.on_engagement_paid(self.db, paid)
        replied = random.randint(5, 2_000)
        told: list[object] = [
            paid,
            LeadAnswered(done.id, provider.user_id, replied, provider.rewards_off),
            CompletionConfirmed(done.id, seeker.user_id, random.randint(60, 6_000)),
        ]
        if random.random() < 0.7:
            told.append(self._rating(done, seeker, provider, cents))
        awards.award_all(self.db, told)

    def _paid(
        self, done: Engagement, seeker: _Person, provider: _Person, cents: int
    ) -> EngagementPaid:
        pair = (seeker.user_id, provider.user_id)
        fact = EngagementPaid(
            engagement_id=done.id,
            provider_user_id=provider.user_id,
            seeker_user_id=seeker.user_id,
            deal_cents=cents,
            commission_cents=usd(cents).share_rounded_down(_COMMISSION_BASIS_POINTS).cents,
            paid_at=clock.now(),
            earlier_with_this_provider=self.engaged.get(pair, 0),
            earlier_of_seeker=self.engagements_of.get(seeker.user_id, 0),
            earlier_of_provider=self.engagements_of.get(provider.user_id, 0),
            on_time=self.random.random() < 0.8,
            rewards_off=provider.rewards_off,
        )
        self.engaged[pair] = fact.earlier_with_this_provider + 1
        self.engagements_of[seeker.user_id] = fact.earlier_of_seeker + 1
        self.engagements_of[provider.user_id] = fact.earlier_of_provider + 1
        return fact

    def _rating(
        self, done: Engagement, seeker: _Person, provider: _Person, cents: int
    ) -> RatingGiven:
        stars = self.random.choices((5, 4, 3, 2, 1), (60, 25, 9, 4, 2))[0]
        rating = Rating(
            engagement_id=done.id,
            rater_user_id=seeker.user_id,
            rated_user_id=provider.user_id,
            stars=stars,
            created_at=clock.now(),
        )
        self.db.add(rating)
        self.db.flush()
        return RatingGiven(
            rating_id=rating.id,
            engagement_id=done.id,
            rater_user_id=seeker.user_id,
            rated_user_id=provider.user_id,
            rated_is_provider=True,
            stars=stars,
            deal_cents=cents,
            rewards_off=provider.rewards_off,
        )

    def _contribute(self, here: Sequence[_Person]) -> None:
        person, number = self.random.choice(here), self._next()
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

    def _shop(self, here: Sequence[_Person]) -> None:
        person = self.random.choice(here)
        # Whoever opens the site first finds that user 1 can afford a match.
        if person.user_id == self.people[0].user_id:
            return
        has = free(self.db, POT, person.user_id)
        choices = [
            (option, weight)
            for option, weight in (_PROVIDERS_BUY if person.provider else _SEEKERS_BUY)
            if SPENDING_BY_NAME[option].pot <= has
        ]
        if not choices:
            return
        option = self.random.choices(*zip(*choices, strict=True))[0]
        reference = None
        if not person.provider:
            reference = "seeker"
        elif option in _NEEDS_A_PROFILE:
            reference = "provider"
        shop.buy(
            self.db,
            person.user_id,
            option,
            key=f"demo {self._next()}",
            reference_type=reference,
            reference_id=person.row_id if reference else None,
        )


def _people(db: Session, random: Random) -> list[_Person]:
    """The first demo people of each side, user 1 at the head; most join in the first weeks."""
    found: list[_Person] = []
    for table in (Provider, Need):
        rows = db.execute(
            select(User.id, table.id, Category.name)
            .join(table, table.user_id == User.id)
            .join(Category, Category.id == table.category_id)
            .where(User.email.endswith(f"@{DEMO_DOMAIN}"))
            .order_by(User.id)
            .limit(MOST_PEOPLE)
        )
        for user_id, row_id, category in rows:
            joins_on = int(min(random.expovariate(1 / 25), DAYS - 1)) if found else 0
            off = frozenset(category_definition(category).rewards.off)
            found.append(_Person(user_id, row_id, category, off, joins_on, table is Provider))
    return found
