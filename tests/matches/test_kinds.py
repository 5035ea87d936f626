"""The four kinds of shortlist: three people, ten, new people only, and a rule of one's own."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.errors import Invalid
from imatch.matches import queries, service
from imatch.matches.models import Match, MatchKind, Shortlist
from imatch.matches.rules import Refusal
from imatch.needs import service as seekers
from imatch.needs.models import Need
from imatch.needs.queries import definition_of
from imatch.providers.models import Provider
from tests.factories import Make


@pytest.fixture
def many(make: Make) -> None:
    for number in range(14):
        dear = 20_000 if number % 2 else 33_000
        make.provider(
            slug=f"advisor-{number}",
            profile={
                "display_name": f"Advisor {number}",
                "bio": f"Number {number}." + (" I sail a boat." if number == 13 else ""),
                "years_experience": number,
                "price": {"min_cents": dear, "max_cents": dear, "unit": "session"},
            },
        )


def people(db: Session, shortlist: Shortlist) -> list[int]:
    return [match.provider_id for match in queries.matches_of(db, shortlist.id)]


def test_basic_gives_three_and_premium_ten(make: Make, many: None, db: Session) -> None:
    need = make.need()
    assert len(people(db, service.suggest(db, need))) == 3
    premium = service.suggest(db, need, MatchKind.PREMIUM)
    assert premium.kind == "premium"
    found = people(db, premium)
    assert len(found) == len(set(found)) == 10


def test_the_same_request_of_a_kind_gives_the_same_list(
    make: Make, many: None, db: Session
) -> None:
    need = make.need()
    kinds = [kind for kind in MatchKind if kind is not MatchKind.RE_MATCH]
    for kind in kinds:
        first = service.suggest(db, need, kind, custom_criteria="someone patient")
        again = service.suggest(db, need, kind, custom_criteria="someone patient")
        assert again.id == first.id
    assert len(db.scalars(select(Shortlist)).all()) == len(kinds)


def test_a_re_match_repeats_nobody(make: Make, many: None, db: Session) -> None:
    need = make.need()
    seen = set(people(db, service.suggest(db, need)))
    for reason in ("too formal", "too far", "too far"):
        more = people(db, service.suggest(db, need, MatchKind.RE_MATCH, custom_criteria=reason))
        assert len(more) == 3
        assert not seen & set(more)
        seen |= set(more)
    assert len(seen) == 12


def test_a_price_that_was_refused_becomes_a_rule(make: Make, many: None, db: Session) -> None:
    need = make.need()
    again = service.suggest(db, need, MatchKind.RE_MATCH, refusal=Refusal.PRICE)
    prices = db.scalars(select(Provider.profile).where(Provider.id.in_(people(db, again))))
    assert {profile["price"]["max_cents"] for profile in prices} == {20_000}
    assert "budget" in {effect.name for effect in service.effects_of(again)}
    db.refresh(need)
    assert need.answers["importance"] == {}


def test_ones_own_criteria_are_weighed(make: Make, many: None, db: Session) -> None:
    need = make.need()
    found = service.suggest(
        db, need, MatchKind.CUSTOM_CRITERIA, custom_criteria="someone who knows to sail a boat"
    )
    sailor = db.scalars(select(Provider.id).where(Provider.slug == "advisor-13")).one()
    assert people(db, found)[0] == sailor
    first = queries.matches_of(db, found.id)[0]
    weighed = {line.score.name: line.score for line in service.why(first).lines}
    assert weighed["custom_criteria"].weight > 0
    assert service.why(first).agrees


@pytest.mark.parametrize("criteria", ["x" * 1_001, "nul \x00"])
def test_unusable_criteria_are_refused(make: Make, many: None, db: Session, criteria: str) -> None:
    need = make.need()
    with pytest.raises(Invalid):
        service.suggest(db, need, MatchKind.CUSTOM_CRITERIA, custom_criteria=criteria)
    assert db.scalars(select(Shortlist)).all() == []


def test_an_unfinished_need_gets_nobody(many: None, db: Session) -> None:
    draft, _token = seekers.start(db, "financial_advisors")
    with pytest.raises(service.NeedIncomplete):
        service.suggest(db, draft)
    assert db.scalars(select(Match)).all() == []


def test_a_safety_screen_ranks_nobody(make: Make, db: Session) -> None:
    category = make.category("therapists")
    values = {"safety": True, "needs_description": "x"}
    need = Need(
        category_id=category.id,
        status="complete",
        answers={"values": values, "importance": {}},
        token_hash="0" * 64,
    )
    db.add(need)
    db.flush()
    screens = definition_of(db, need).screens
    stops = next(screen for screen in screens if screen.effect == "stop")
    need.answers = {"values": {stops.field: True}, "importance": {}}
    with pytest.raises(seekers.SafetyStop):
        service.suggest(db, need)
