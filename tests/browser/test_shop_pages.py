"""Buying more matches and labelled places in a browser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.core.database import SessionLocal
from imatch.providers.models import Provider
from tests.browser.own_site import own_site, visit_as
from tests.browser.visits import Visit
from tests.factories import Make
from tests.factories.providers import ADVISORS, VERIFIED

LONG_NAME = "Maximiliane-Theodora Wolkenstein-Beispielhausen"


@dataclass
class Market:
    """A running site of its own with people to find, and who looks for them."""

    url: str
    db: Session
    make: Make
    boosted: Provider
    enter: Callable[[User | None], Visit]

    def seeker(self, pot: int) -> User:
        user = self.make.buyer(pot)
        self.make.need(user)
        return user


@pytest.fixture
def market(sqlite_url: str, chromium: Browser) -> Iterator[Market]:
    with (
        own_site(sqlite_url) as url,
        SessionLocal() as db,
        chromium.new_context(reduced_motion="reduce") as context,
    ):
        make = Make(db)
        for number in range(12):
            years = 30 - number
            profile = {"display_name": f"Advisor {number}", "years_experience": years}
            make.provider(profile=profile)
        owner = make.user(account_type=AccountType.PROVIDER)
        profile = {
            "display_name": LONG_NAME,
            "specialties": ["debt"],
            "years_experience": 1,
            "credentials": [{"type": "CFP"}],
        }
        # The list draws newcomers.
        experience: dict[str, Any] = {"invite_count": 8, "accept_count": 4}
        boosted = make.provider(user=owner, slug="greta", profile=profile, **VERIFIED, **experience)
        dear = {"min_cents": 190_000, "max_cents": 195_000, "unit": "session"}
        for number in range(12):  # who fit still less
            profile = {"display_name": f"Beginner {number}", "specialties": ["debt"]}
            make.provider(profile={**profile, "years_experience": 0, "price": dear})

        def enter(user: User | None) -> Visit:
            return visit_as(user, context, url, db)

        yield Market(url, db, make, boosted, enter)


def test_a_seeker_buys_more_matches(market: Market) -> None:
    market.make.pot(market.boosted.user_id)
    market.make.boost(market.boosted)
    visit = market.enter(market.seeker(1_000))
    visit.open("/matches")  # nobody was looked for yet: it leads to the answers
    visit.press("See who fits")
    assert visit.page.get_by_text("Paid place.").is_visible()
    visit.inspect()
    visit.page.get_by_role("link", name="Why is Maximiliane-Theodora here?").click()
    assert visit.page.get_by_text("A fixed rule; nobody at I MATCH chooses.").is_visible()
    visit.inspect()
    for option, fill in (
        ("premium_match", ""),
        ("re_match", ""),
        ("custom_criteria_match", "Explains things with drawings"),
        ("rush_match", ""),
    ):
        visit.open(f"/matches/more/{option}")
        visit.inspect()
        if fill:
            visit.press("Buy for 150 POT")
            assert visit.page.get_by_text("There is a problem").is_visible()
            visit.inspect()
            visit.page.get_by_label("What else should count?").fill(fill)
        if option == "premium_match":
            visit.press("Buy for 100 POT")
            assert visit.page.get_by_role("heading", name="10 people fit").is_visible()
            visit.inspect()
        elif option == "rush_match":
            visit.press("Order for 200 POT")
            assert visit.page.get_by_text("Matched by hand: ordered.").is_visible()
            visit.inspect()
            visit.press("Cancel the search by hand")
            assert not visit.page.get_by_text("Matched by hand: ordered.").is_visible()


def test_who_has_too_little_reads_what_is_missing(market: Market) -> None:
    visit = market.enter(market.seeker(20))
    visit.open("/matches")  # nobody was looked for yet: it leads to the answers
    visit.press("See who fits")
    visit.inspect()
    visit.open("/matches/more/premium_match")
    assert visit.page.get_by_role("heading", name="How to earn the rest").is_visible()
    visit.inspect()


def test_a_professional_buys_boosts(market: Market) -> None:
    owner = market.db.get_one(User, market.boosted.user_id)
    market.make.pot(owner, 3_000)
    visit = market.enter(owner)
    visit.open("/pro/boosts")
    visit.inspect()
    for option, price in (
        ("profile_boost_month", "500"),
        ("featured_listing_week", "300"),
        ("verified_badge", "1,000"),
    ):
        visit.open(f"/pro/boosts/{ADVISORS}/{option}")
        visit.inspect()
        visit.press(f"Buy for {price} POT")
        assert visit.page.get_by_text("Bought. Below you see until when it runs.").is_visible()
    visit.inspect()
    visit.press("Renew Profile boost")
    assert visit.page.get_by_text("Renews every 30 days").is_visible()
    visit.inspect()
    for path in (f"/providers/{ADVISORS}", "/p/greta"):
        visit.open(path)
        assert visit.page.get_by_text("Verified badge").first.is_visible()
        visit.inspect()


def test_who_has_no_profile_reads_what_boosts_need(market: Market) -> None:
    visit = market.enter(market.make.user())
    visit.open("/pro/boosts")
    visit.inspect()
