"""Demo people are varied, valid, and the same for the same seed."""

from datetime import date
from random import Random

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.categories import forms
from imatch.categories.catalog import definitions
from imatch.categories.models import Category
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.needs.models import Need
from imatch.operations.demo import DEMO_DOMAIN, generate, is_demo
from imatch.operations.demo.generate import NoActiveCategory, NotInProduction, PeopleGenerator
from imatch.providers.models import Provider
from tests.support.settings import PRODUCTION, settings


@pytest.mark.both_databases
def test_people_are_added_and_linked_to_their_accounts(db: Session) -> None:
    progress: list[int] = []
    counts = generate(db, providers=60, seekers=12, seed=3, progress=progress.append)
    assert (counts.providers, counts.seekers, sum(progress)) == (60, 12, 72)
    owners = db.scalars(select(User.email).join(Provider, Provider.user_id == User.id)).all()
    assert len(owners) == 60
    assert all(email.endswith(f"@{DEMO_DOMAIN}") for email in owners)
    assert db.scalar(select(func.count()).select_from(Need)) == 12
    assert is_demo(db)


def test_more_people_can_be_added_later(db: Session) -> None:
    assert not is_demo(db)
    generate(db, providers=5, seekers=5, seed=1)
    generate(db, providers=5, seekers=5, seed=1)
    assert db.scalar(select(func.count()).select_from(User)) == 20


def test_the_same_seed_gives_the_same_people() -> None:
    definition = definitions()["financial_advisors"]
    moment = now()
    first, second = (PeopleGenerator(Random(7), 1, moment) for _ in range(2))
    assert [first.provider(1, definition) for _ in range(5)] == [
        second.provider(1, definition) for _ in range(5)
    ]


def test_people_live_in_the_time_zone_of_their_city() -> None:
    people = PeopleGenerator(Random(7), 1, now())
    profiles = [people.provider(1, definitions()["life_coaches"])[1]["profile"] for _ in range(200)]
    zones = {
        (profile["place"]["region"], profile["time_zone"])
        for profile in profiles
        if "time_zone" in profile
    }
    assert ("CA", "America/Los_Angeles") in zones
    assert {zone for region, zone in zones if region in {"NY", "MA"}} == {"America/New_York"}


def test_bios_differ(db: Session) -> None:
    generate(db, providers=200, seekers=0, seed=1)
    bios = [profile["bio"] for profile in db.scalars(select(Provider.profile))]
    assert len(set(bios)) >= 198


@pytest.mark.parametrize("category", sorted(definitions()))
def test_generated_answers_are_valid_in_every_category(category: str) -> None:
    definition = definitions()[category]
    people = PeopleGenerator(Random(5), 1, now())
    for _ in range(20):
        _, provider = people.provider(1, definition)
        _, seeker = people.seeker(1, definition)
        for fields, values in (
            (definition.provider, provider["profile"]),
            (definition.seeker, seeker["answers"]["values"]),
        ):
            clean, errors = forms.validate(definition, fields, values, require=True)
            assert errors == []
            assert clean == values
        assert date.fromisoformat(str(provider["created_at"].date())) <= now().date()


def test_an_active_category_is_required(db: Session) -> None:
    with atomic(db):
        db.execute(update(Category).values(active=False))
    with pytest.raises(NoActiveCategory, match="imatch categories activate"):
        generate(db, providers=1, seekers=1, seed=1)
    assert not is_demo(db)


def test_production_refuses_demo_people(db: Session) -> None:
    with settings(**PRODUCTION), pytest.raises(NotInProduction, match="production"):
        generate(db, providers=1, seekers=1, seed=1)
