"""A match as pages and API show it: the provider as of now, the fit and reasons as stored."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from imatch.categories import forms
from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition, Kind
from imatch.core import clock
from imatch.matches import queries
from imatch.matches.explaining import stored as explanations
from imatch.matches.models import Match
from imatch.matches.pool import providers as pool_providers
from imatch.providers import boosts
from imatch.providers.models import Provider
from imatch.ranking.types import Reason
from imatch.web.formats import number, plural

_MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class Badge:
    """A credential that an operator verified, with the day of the check if known."""

    label: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Person:
    """A provider as they are now. Unmeasured texts are empty."""

    provider: Provider
    price: str
    rating: str
    reply_time: str
    badges: tuple[Badge, ...]
    has_bought_badge: bool

    @property
    def name(self) -> str:
        return self.provider.display_name


@dataclass(frozen=True, slots=True)
class Card(Person):
    """One person on a shortlist."""

    match: Match
    explanation: explanations.Explanation
    takes_people: bool  # now

    @property
    def fit(self) -> float:
        return self.match.fit

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return self.explanation.pick.reasons

    @property
    def caveat(self) -> str:
        return self.explanation.pick.caveat

    @property
    def profile_day(self) -> date | None:
        """The day of the profile that the stated facts come from."""
        stated = (sides.day for sides in self.explanation.sides.values() if not sides.measured)
        return next(stated, None)

    def sides(self, criterion: str) -> explanations.Sides | None:
        return self.explanation.sides.get(criterion)


def cards_of(db: Session, matches: Iterable[Match]) -> list[Card]:
    """The matches with their providers, in the same order."""
    matches = list(matches)
    people = queries.people(db, (match.provider_id for match in matches), clock.now())
    definitions = _definitions(db, (provider for provider, _ in people.values()))
    badge_buyers = boosts.badge_buyers(db, people)
    cards = []
    for match in matches:
        if match.provider_id in people:
            provider, takes_people = people[match.provider_id]
            person = _person(provider, definitions[provider.category_id], badge_buyers)
            cards.append(_card(match, person, takes_people=takes_people))
    return cards


def person_of(db: Session, provider: Provider, definition: CategoryDefinition) -> Person:
    return _person(provider, definition, boosts.badge_buyers(db, [provider.id]))


def _definitions(db: Session, providers: Iterable[Provider]) -> Mapping[int, CategoryDefinition]:
    return {
        category_id: categories.by_id(db, category_id).definition
        for category_id in {provider.category_id for provider in providers}
    }


def _person(
    provider: Provider, definition: CategoryDefinition, badge_buyers: Collection[int]
) -> Person:
    badges = tuple(_badges(definition, provider))
    return Person(
        provider=provider,
        price=price_of(definition, provider),
        rating=_rating(definition, provider),
        reply_time=_reply_time(provider),
        badges=badges,
        has_bought_badge=bool(badges) and provider.id in badge_buyers,
    )


def _card(match: Match, person: Person, *, takes_people: bool) -> Card:
    return Card(
        provider=person.provider,
        price=person.price,
        rating=person.rating,
        reply_time=person.reply_time,
        badges=person.badges,
        has_bought_badge=person.has_bought_badge,
        match=match,
        explanation=explanations.from_json(match.explanation),
        takes_people=takes_people,
    )


def price_of(definition: CategoryDefinition, provider: Provider) -> str:
    """The all-in price in words; empty if none is stated."""
    for name, field in definition.provider.items():
        if field.kind is Kind.PRICE and name in provider.profile:
            return forms.describe(definition, field, provider.profile[name])
    return ""


def _rating(definition: CategoryDefinition, provider: Provider) -> str:
    if not provider.rating_count or not definition.reviews.public_ratings:
        return ""
    mean = provider.rating_sum / provider.rating_count
    return f"{number(mean, 1)} of 5 from {plural(provider.rating_count, 'rating')}"


def _reply_time(provider: Provider) -> str:
    minutes = provider.response_minutes
    if minutes is None:
        return ""
    if minutes < _MINUTES_PER_HOUR:
        return f"{max(minutes, 1)} min"
    return plural(round(minutes / _MINUTES_PER_HOUR), "hour")


def _badges(definition: CategoryDefinition, provider: Provider) -> Iterable[Badge]:
    labels = definition.vocabularies.get("credentials", {})
    valid = pool_providers.verified(provider.verified_credentials, provider.profile, clock.today())
    for credential in provider.verified_credentials:
        if credential in valid:
            day = provider.verified_on.get(credential)
            yield Badge(
                labels.get(credential, credential), date.fromisoformat(day) if day else None
            )
