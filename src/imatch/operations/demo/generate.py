"""Generate fictional providers and seekers, the same for the same seed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.categories import places
from imatch.categories.catalog import definition as category_definition
from imatch.categories.models import Category
from imatch.categories.schemas import CategoryDefinition, Importance, Kind
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Conflict
from imatch.core.security import new_token, token_hash
from imatch.core.settings import get_settings
from imatch.needs.models import Need, NeedStatus
from imatch.operations.demo import answers, phrases
from imatch.providers.models import Provider, ProviderStatus

DEMO_DOMAIN = "demo.example"
_BATCH_SIZE = 500


# The time zones of the United States from east to west, each with its western edge in degrees.
_TIME_ZONES = (
    (-86.5, "America/New_York"),
    (-102.5, "America/Chicago"),
    (-114.5, "America/Denver"),
    (-130.0, "America/Los_Angeles"),
    (-155.0, "America/Anchorage"),
    (-180.0, "Pacific/Honolulu"),
)
_TIME_ZONES_BY_STATE = {"AL": "America/Chicago", "AZ": "America/Phoenix", "ID": "America/Denver"}


def _time_zone(city: places.City) -> str:
    """An approximation that is good enough for demo people: zones have straight borders."""
    by_longitude = next(zone for edge, zone in _TIME_ZONES if city.longitude >= edge)
    return _TIME_ZONES_BY_STATE.get(city.region, by_longitude)


class NoActiveCategory(Conflict):
    code = "no_active_category"


class NotInProduction(Conflict):
    code = "not_in_production"


@dataclass(frozen=True, slots=True)
class DemoCounts:
    providers: int
    seekers: int


def is_demo(db: Session) -> bool:
    """Whether the database has demo people."""
    query = select(User.id).where(User.email.endswith(f"@{DEMO_DOMAIN}")).limit(1)
    return db.scalar(query) is not None


def generate(
    db: Session,
    *,
    providers: int,
    seekers: int,
    seed: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> DemoCounts:
    """Add fictional people, spread evenly over the active categories.

    `progress` is called with the number of rows just written. Raises NoActiveCategory, or
    NotInProduction, so that real people never meet fictional ones.
    """
    if get_settings().production:
        raise NotInProduction("Fictional people do not belong on a site in production.")
    active = db.scalars(select(Category).where(Category.active).order_by(Category.name)).all()
    if not active:
        raise NoActiveCategory(
            "No category is active. Activate one first: imatch categories activate NAME"
        )
    random = Random(seed)
    number = (db.scalar(select(func.max(User.id))) or 0) + 1
    people = PeopleGenerator(random, number, now())
    categories = [(category.id, category_definition(category.name)) for category in active]
    for table, generate_row, total in (
        (Provider, people.provider, providers),
        (Need, people.seeker, seekers),
    ):
        for start in range(0, total, _BATCH_SIZE):
            numbers = range(start, min(start + _BATCH_SIZE, total))
            _write(
                db, table, [generate_row(*categories[index % len(categories)]) for index in numbers]
            )
            progress(len(numbers))
    return DemoCounts(providers, seekers)


def _write(
    db: Session, table: type[Provider | Need], pairs: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    """Insert pairs of a user and their provider or need, in one transaction."""
    with atomic(db):
        returning = insert(User).returning(User.id, sort_by_parameter_order=True)
        ids = db.scalars(returning, [user for user, _ in pairs]).all()
        rows = [row | {"user_id": user_id} for user_id, (_, row) in zip(ids, pairs, strict=True)]
        db.execute(insert(table), rows)


class PeopleGenerator:
    """Generates the rows of people, numbered so that e-mail addresses are unique."""

    def __init__(self, random: Random, first_number: int, moment: datetime) -> None:
        self.random = random
        self.next_number = first_number
        self.moment = moment
        self.cities = [city for city in places.cities() if city.country == "US"]

    def provider(
        self, category_id: int, definition: CategoryDefinition
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        first, last = phrases.full_name(self.random)
        user = self._user(f"{first} {last}", AccountType.PROVIDER)
        profile = self._profile(definition, first, last)
        row = {
            "category_id": category_id,
            "slug": f"{first}-{last}-{self.next_number - 1}".lower(),
            "display_name": profile["display_name"],
            "headline": profile["headline"],
            "status": ProviderStatus.APPROVED,
            "accepting_new": self.random.random() < 0.95,
            "profile": profile,
            "capacity": profile["capacity"],
            "submitted_at": user["created_at"],
            "decided_at": user["created_at"] + timedelta(days=1),
            "created_at": user["created_at"],
            "updated_at": self.moment,
        }
        return user, row | self._track_record(profile, user["created_at"])

    def seeker(
        self, category_id: int, definition: CategoryDefinition
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        user = self._user(" ".join(phrases.full_name(self.random)), AccountType.SEEKER)
        values = self._answers(definition)
        can_be_must = [name for name in values if definition.seeker[name].can_be_must]
        musts = {name: Importance.MUST for name in can_be_must if self.random.random() < 0.15}
        row = {
            "category_id": category_id,
            "status": NeedStatus.COMPLETE,
            "answers": {"values": values, "importance": musts},
            # Not from the seed, so that nobody knows the token.
            "token_hash": token_hash(new_token()),
            "completed_at": user["created_at"],
            "created_at": user["created_at"],
            "updated_at": user["created_at"],
        }
        return user, row

    def _user(self, name: str, account_type: AccountType) -> dict[str, Any]:
        number, self.next_number = self.next_number, self.next_number + 1
        created = self.moment - timedelta(days=self.random.randint(2, 900))
        return {
            "email": f"{account_type}{number}@{DEMO_DOMAIN}",
            "name": name,
            "account_type": account_type,
            "email_confirmed_at": created,
            "created_at": created,
            "updated_at": created,
        }

    def _profile(self, definition: CategoryDefinition, first: str, last: str) -> dict[str, Any]:
        random, city = self.random, self.random.choice(self.cities)
        values = answers.fill(
            random, definition, definition.provider, self.moment.date(), answered=0.8
        )
        options = definition.options(definition.provider["specialties"])
        values["specialties"] = answers.weighted_sample(random, list(options), 5)
        topics = [options[topic] for topic in values["specialties"]]
        years = min(40, 1 + int(random.expovariate(1 / 9)))
        values |= {
            "display_name": f"{first} {last}",
            "legal_name": f"{first} {last}",
            "headline": phrases.headline(random, definition, topics),
            "bio": phrases.bio(random, topics, city.name, years, definition.singular),
            "years_experience": years,
            "place": city.as_place(),
            "regions": self._regions(city.region),
            "formats": random.choice((["in_person", "remote"], ["in_person"], ["remote"])),
            "languages": ["en", *self._other_languages(definition)],
            "price": answers.price(random, definition),
            "free_intro_minutes": random.choice((0, 15, 20, 30)),
            "cancellation_policy": random.choice(phrases.phrases()["cancellations"]),
            "capacity": random.randint(1, 12),
        }
        if "time_zone" in values:
            values["time_zone"] = _time_zone(city)
        if credentials := self._credentials(definition):
            values["credentials"] = credentials
        if name := phrases.business_name(random, definition.name, first, last):
            values["business_name"] = name
        return {name: value for name, value in values.items() if name in definition.provider}

    def _credentials(self, definition: CategoryDefinition) -> list[dict[str, str]]:
        """Invented credentials, all still valid."""
        options = definition.options(definition.provider["credentials"])
        today = self.moment.date()
        return [
            {
                "type": credential,
                "number": f"DEMO-{self.random.randint(10_000, 99_999)}",
                "issued": (today - timedelta(days=self.random.randint(400, 6_000))).isoformat(),
                "expires": (today + timedelta(days=self.random.randint(60, 1_000))).isoformat(),
            }
            for credential in answers.weighted_sample(self.random, list(options), 3)
            if self.random.random() < 0.8
        ]

    def _answers(self, definition: CategoryDefinition) -> dict[str, Any]:
        random = self.random
        screens = {screen.field for screen in definition.screens}
        fields = {name: field for name, field in definition.seeker.items() if name not in screens}
        values = answers.fill(random, definition, fields, self.moment.date(), answered=0.5)
        options = definition.options(definition.provider["specialties"])
        topics = [options[topic] for topic in answers.weighted_sample(random, list(options), 3)]
        values["needs_description"] = phrases.need_text(random, topics, definition.singular)
        if "languages" in values:
            values["languages"] = ["en", *self._other_languages(definition)]
        for name in screens:
            if definition.seeker[name].kind is Kind.YES_NO:
                values[name] = False
        for name, field in fields.items():
            if field.kind is Kind.PLACE:
                city = random.choice(self.cities)
                values[name] = city.as_place()
                if "time_zone" in values:
                    values["time_zone"] = _time_zone(city)
        return values

    def _regions(self, home: str) -> list[str]:
        others = self.random.sample(list(places.us_states()), self.random.choice((0, 0, 1, 3, 8)))
        return list(dict.fromkeys([home, *others]))

    def _other_languages(self, definition: CategoryDefinition) -> list[str]:
        codes = [code for code in definition.vocabularies["languages"] if code != "en"]
        return answers.weighted_sample(self.random, codes, 1) if self.random.random() < 0.35 else []

    def _track_record(self, profile: dict[str, Any], joined: datetime) -> dict[str, Any]:
        """Invented counts that the platform would have measured, with a long tail."""
        random = self.random
        completed = 0 if random.random() < 0.25 else int(random.paretovariate(0.9)) % 120
        rated = sum(random.random() < 0.6 for _ in range(completed))
        quality = random.betavariate(9, 1.6)
        stars = sum(max(1, min(5, round(random.gauss(1 + 4 * quality, 0.7)))) for _ in range(rated))
        invites = completed + int(completed * random.random() * 2)
        active = min(int(random.expovariate(0.6)), profile["capacity"])
        today = self.moment.date()
        verified_on = {
            credential["type"]: (today - timedelta(days=random.randint(1, 80))).isoformat()
            for credential in profile.get("credentials", [])
            if random.random() < 0.7
        }
        return {
            "verified_credentials": list(verified_on),
            "verified_on": verified_on,
            "active_count": active,
            "completed_count": completed,
            "repeat_count": int(completed * random.random() * 0.3),
            "rating_count": rated,
            "rating_sum": stars,
            "invite_count": invites,
            "accept_count": completed,
            "response_minutes": int(random.lognormvariate(5.5, 1)) if invites else None,
            "last_active_at": max(
                joined, self.moment - timedelta(days=int(random.expovariate(0.1)))
            ),
        }
