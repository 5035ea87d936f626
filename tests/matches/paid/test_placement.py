"""Labelled places and the badge: where what was bought shows, and that no fit changes."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.matches import queries, service
from imatch.matches.pool import needs
from imatch.needs.deps import COOKIE
from imatch.needs.models import Need
from imatch.needs.queries import definition_of
from imatch.pot.shop import service as shop
from imatch.providers import approval
from imatch.providers.models import Provider
from imatch.ranking.types import StatedNeed
from tests.factories import Make
from tests.factories.owners import Owner
from tests.factories.providers import ADVISORS, VERIFIED
from tests.matches.browsing import look

# ---- a boost: one labelled place, and no score changes ----

VALUES: dict[str, Any] = {
    "needs_description": "Company shares vest in May and I want to plan retirement and taxes.",
    "needs": ["retirement", "tax"],
    "budget": {"min_cents": None, "max_cents": 30_000, "unit": "session"},
}


@pytest.fixture
def crowd(make: Make) -> None:
    for number in range(8):
        make.provider(
            slug=f"advisor-{number}",
            profile={"display_name": f"Advisor {number}", "years_experience": 30 - number},
        )


@pytest.fixture
def worse(make: Make) -> None:
    """Nine who fit still less than who is last of the crowd."""
    for number in range(9):
        make.provider(
            slug=f"beginner-{number}",
            profile={"specialties": ["debt"], "years_experience": 0, "bio": "I begin."},
        )


def engine_need(db: Session, need: Need) -> StatedNeed:
    answers = need.answers
    return needs.stated_need(definition_of(db, need), answers["values"], answers["importance"])


def last_on_fit(make: Make, **columns: Any) -> Owner:  # noqa: ANN401
    """No newcomer either, whom the list might draw."""
    profile = {"specialties": ["debt"], "years_experience": 1, **columns.pop("profile", {})}
    return make.owner(profile=profile, invite_count=8, accept_count=4, **columns)


def matches_page(client: TestClient, token: str) -> str:
    client.cookies.set(COOKIE, token)
    return look(client).text


@pytest.mark.usefixtures("crowd")
def test_a_boost_changes_no_score_and_no_place(db: Session, make: Make) -> None:
    owner = last_on_fit(make)
    need = make.need()

    def ranked() -> list[object]:
        found, _providers = service.rank(db, ADVISORS, engine_need(db, need), count=9, seed=7)
        return [(pick.provider_id, pick.fit, pick.order_score, pick) for pick in found.picks]

    before = ranked()
    owner.buy("profile_boost_month")
    owner.buy("featured_listing_week", key="another")
    assert ranked() == before
    organic = [match.provider_id for match in queries.matches_of(db, service.suggest(db, need).id)]
    assert owner.provider.id not in organic


@pytest.mark.usefixtures("crowd")
def test_who_fits_less_than_the_median_gets_no_place(
    db: Session, make: Make, client: TestClient
) -> None:
    last_on_fit(make).buy("profile_boost_month")
    _need, token = make.need_and_token()
    assert "Paid place." not in matches_page(client, token)


@pytest.mark.usefixtures("crowd", "worse")
def test_one_labelled_place_with_the_real_fit(db: Session, make: Make, client: TestClient) -> None:
    owner = last_on_fit(make)
    need, token = make.need_and_token()
    without = matches_page(client, token)
    assert "Paid place." not in without
    owner.buy("profile_boost_month")
    last_on_fit(make, name="Zoe Example").buy("profile_boost_month")
    page = matches_page(client, token)
    assert page.count("Paid place.</strong> It does not change anybody’s fit.") == 1
    organic = page.partition("Paid place.")[0]
    assert organic.count("<article") == without.count("<article") == 3
    found, _providers = service.rank(db, ADVISORS, engine_need(db, need), count=20, seed=7)
    fits = {pick.provider_id: pick.fit for pick in found.picks}
    shown = page.partition("Paid place.")[2]
    assert f"Fit {int(fits[owner.provider.id] + 0.5)} out of 100" in shown
    assert not db.scalars(
        select(Provider.shown_count).where(Provider.id == owner.provider.id)
    ).one()


@pytest.mark.parametrize(
    "columns",
    [
        {"profile": {"price": {"min_cents": 90_000, "max_cents": 90_000, "unit": "session"}}},
        {"accepting_new": False},
        {"capacity": 1, "active_count": 1},
    ],
)
@pytest.mark.usefixtures("crowd", "worse")
def test_who_fails_a_rule_gets_no_place(
    db: Session, make: Make, client: TestClient, columns: dict[str, Any]
) -> None:
    last_on_fit(make, **columns).buy("profile_boost_month")
    _need, token = make.need_and_token(importance={"budget": "must"})
    assert "Paid place." not in matches_page(client, token)


def test_who_is_among_the_three_gets_no_place_beside_them(
    db: Session, make: Make, client: TestClient
) -> None:
    make.owner().buy("profile_boost_month")
    _need, token = make.need_and_token()
    page = matches_page(client, token)
    assert "Greta Example" in page
    assert "Paid place." not in page


@pytest.mark.usefixtures("crowd", "worse")
def test_a_boost_that_ran_out_or_came_back_shows_nobody(
    db: Session, make: Make, client: TestClient
) -> None:
    purchase = last_on_fit(make).buy("profile_boost_month")
    _need, token = make.need_and_token()
    assert "Paid place." in matches_page(client, token)
    shop.refund(db, purchase.id, reason="Asked for it back")
    assert "Paid place." not in matches_page(client, token)


# ---- the category's page ----


@pytest.mark.usefixtures("crowd")
def test_who_is_featured_stands_in_a_labelled_row(make: Make, client: TestClient) -> None:
    owner = make.owner()
    before = client.get(f"/providers/{ADVISORS}").text
    assert "Paid place." not in before
    owner.buy("featured_listing_week")
    page = client.get(f"/providers/{ADVISORS}").text
    featured, _, everybody = page.partition("Everybody</h2>")
    assert "Paid place.</strong> It does not change anybody’s fit." in featured
    assert "Greta Example" in featured
    assert everybody == before.partition("Everybody</h2>")[2]
    assert client.get("/providers/no_such_category").status_code == 404


def test_a_profile_taken_down_is_featured_no_more(make: Make, client: TestClient) -> None:
    owner = make.owner()
    owner.buy("featured_listing_week")
    approval.reject(owner.db, owner.provider, None, reason="Your licence ran out.")
    assert "Greta Example" not in client.get(f"/providers/{ADVISORS}").text


# ---- the badge ----


def test_the_badge_shows_until_it_is_refunded(make: Make, client: TestClient) -> None:
    owner = make.owner(**VERIFIED, slug="greta")
    _need, token = make.need_and_token()
    assert "Verified badge" not in client.get("/p/greta").text
    purchase = owner.buy("verified_badge")
    profile = client.get("/p/greta").text
    assert "Verified badge" in profile
    assert "The verified badge is paid for." in profile
    assert "Verified badge" in client.get(f"/providers/{ADVISORS}").text
    assert "Verified badge" in matches_page(client, token)
    shop.refund(owner.db, purchase.id, reason="Asked for it back")
    assert "Verified badge" not in client.get("/p/greta").text
    assert "Verified badge" not in matches_page(client, token)


def test_the_badge_goes_with_the_check(make: Make, client: TestClient) -> None:
    owner = make.owner(**VERIFIED, slug="greta")
    owner.buy("verified_badge")
    approval.verify_credentials(owner.db, owner.provider, None, [])
    assert "Verified badge" not in client.get("/p/greta").text
    assert "Verified badge" not in client.get(f"/providers/{ADVISORS}").text
