"""Labelled places and the badge: bought for one's own public profile, and no fit changes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import AccountType, User
from imatch.core.clock import frozen
from imatch.ledger import POT, Movement, post
from imatch.ledger.models import PotTransaction
from imatch.ledger.queries import free
from imatch.mail.models import MailMessage
from imatch.matches import needs, queries, service
from imatch.matches.engine.types import Need
from imatch.pot import shop
from imatch.pot.models import PotPurchase
from imatch.pot.tasks import settle_purchases
from imatch.providers import approval, boosts
from imatch.providers.models import Provider
from imatch.providers.queries import UnknownProvider
from imatch.seekers import service as seekers
from imatch.seekers.deps import COOKIE
from imatch.seekers.models import Seeker
from imatch.seekers.queries import definition_of
from imatch.wiring import wire
from tests.make import Make

ADVISORS = "financial_advisors"
KEY = "a-key-of-some-length"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SignIn = Callable[[User], TestClient]


@pytest.fixture(autouse=True)
def _wired() -> None:
    wire()


@dataclass
class Owner:
    user: User
    provider: Provider
    db: Session

    @property
    def free(self) -> int:
        self.db.rollback()
        return free(self.db, POT, self.user.id)

    @property
    def purchases(self) -> list[PotPurchase]:
        self.db.rollback()
        self.db.expire_all()
        return shop.purchases(self.db, self.user.id)

    def buy(self, option: str, key: str = KEY, *, renews: bool = False) -> PotPurchase:
        return boosts.buy(self.db, self.user.id, self.provider, option, key=key, renews=renews)


Hire = Callable[..., Owner]


@pytest.fixture
def hire(db: Session, make: Make) -> Hire:
    """A professional with POT and a profile; keywords are the profile's columns."""

    def hired(name: str = "Greta Example", pot: int = 3_000, **columns: Any) -> Owner:  # noqa: ANN401
        user = make.user(account_type=AccountType.PROVIDER)
        profile = {"display_name": name, "credentials": [{"type": "CFP"}]}
        provider = make.provider(user=user, profile=profile | columns.pop("profile", {}), **columns)
        movement = Movement(
            key=f"give {user.id}",
            user_id=user.id,
            amount=pot,
            counter_account="treasury",
            transaction_type="earn",
            category="grant",
        )
        post(db, POT, movement)
        return Owner(user, provider, db)

    return hired


CHECKED: dict[str, Any] = {
    "verified_credentials": ["CFP"],
    "verified_on": {"CFP": "2026-02-03"},
}


# ---- for whom it may be ----


def test_it_is_bought_for_ones_own_public_profile(hire: Hire) -> None:
    owner = hire()
    purchase = owner.buy("profile_boost_month")
    assert (purchase.reference_type, purchase.reference_id) == ("provider", owner.provider.id)
    assert owner.free == 2_500
    assert owner.buy("profile_boost_month").id == purchase.id
    assert owner.free == 2_500


@pytest.mark.parametrize(
    ("option", "columns", "refusal"),
    [
        ("profile_boost_month", {"status": "pending"}, boosts.NotPublic),
        ("featured_listing_week", {"status": "draft"}, boosts.NotPublic),
        ("verified_badge", {"status": "rejected", **CHECKED}, boosts.NotPublic),
        ("verified_badge", {}, boosts.NothingChecked),
        (
            "verified_badge",
            {**CHECKED, "profile": {"credentials": [{"type": "CFP", "expires": "2020-01-31"}]}},
            boosts.NothingChecked,
        ),
    ],
)
def test_who_cannot_have_it_pays_nothing(
    hire: Hire, option: str, columns: dict[str, Any], refusal: type[Exception]
) -> None:
    owner = hire(**columns)
    with pytest.raises(refusal):
        owner.buy(option)
    assert (owner.free, owner.purchases) == (3_000, [])
    spent = select(func.count()).where(PotTransaction.transaction_type == "spend")
    assert owner.db.scalar(spent) == 0


def test_nobody_buys_for_somebody_else(hire: Hire) -> None:
    owner, other = hire(), hire("Hugo Example")
    for reference_type, reference_id in (
        ("provider", other.provider.id),
        ("provider", 10**12),
        ("provider", None),
        (None, None),
        ("seeker", owner.provider.id),
    ):
        with pytest.raises(UnknownProvider):
            shop.buy(
                owner.db,
                owner.user.id,
                "profile_boost_month",
                key=KEY,
                reference_type=reference_type,
                reference_id=reference_id,
            )
    assert (owner.free, other.free, owner.purchases) == (3_000, 3_000, [])


def test_a_second_badge_is_refused(hire: Hire) -> None:
    owner = hire(**CHECKED)
    owner.buy("verified_badge")
    with pytest.raises(boosts.HasBadge):
        owner.buy("verified_badge", key="another")
    assert owner.free == 2_000


def test_what_cannot_be_renewed_ends_and_costs_nothing(hire: Hire) -> None:
    owner = hire()
    with frozen(NOON):
        owner.buy("featured_listing_week", renews=True)
    approval.reject(owner.db, owner.provider, None, reason="Your licence ran out.")
    with frozen(NOON + timedelta(days=7)):
        settle_purchases()
        assert [one.status for one in owner.purchases] == ["delivered"]
    assert owner.free == 2_700
    subjects = owner.db.scalars(select(MailMessage.subject)).all()
    assert "Not renewed: Featured for a week" in subjects


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


def need_in(db: Session, **importance: str) -> tuple[Seeker, str]:
    return seekers.submit(db, ADVISORS, VALUES, importance)


def engine_need(db: Session, need: Seeker) -> Need:
    answers = need.answers
    return needs.need_of(definition_of(db, need), answers["values"], answers["importance"])


def last_on_fit(hire: Hire, **columns: Any) -> Owner:  # noqa: ANN401
    """No newcomer either, whom the list might draw."""
    profile = {"specialties": ["debt"], "years_experience": 1, **columns.pop("profile", {})}
    return hire(profile=profile, invite_count=8, accept_count=4, **columns)


def matches_page(client: TestClient, token: str) -> str:
    client.cookies.set(COOKIE, token)
    return client.get("/matches").text


@pytest.mark.usefixtures("crowd")
def test_a_boost_changes_no_score_and_no_place(db: Session, hire: Hire) -> None:
    owner = last_on_fit(hire)
    need, _token = need_in(db)

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
    db: Session, hire: Hire, client: TestClient
) -> None:
    last_on_fit(hire).buy("profile_boost_month")
    _need, token = need_in(db)
    assert "Paid place." not in matches_page(client, token)


@pytest.mark.usefixtures("crowd", "worse")
def test_one_labelled_place_with_the_real_fit(db: Session, hire: Hire, client: TestClient) -> None:
    owner = last_on_fit(hire)
    need, token = need_in(db)
    without = matches_page(client, token)
    assert "Paid place." not in without
    owner.buy("profile_boost_month")
    last_on_fit(hire, name="Zoe Example").buy("profile_boost_month")
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
    db: Session, hire: Hire, client: TestClient, columns: dict[str, Any]
) -> None:
    last_on_fit(hire, **columns).buy("profile_boost_month")
    _need, token = need_in(db, budget="must")
    assert "Paid place." not in matches_page(client, token)


def test_who_is_among_the_three_gets_no_place_beside_them(
    db: Session, hire: Hire, client: TestClient
) -> None:
    hire().buy("profile_boost_month")
    _need, token = need_in(db)
    page = matches_page(client, token)
    assert "Greta Example" in page
    assert "Paid place." not in page


@pytest.mark.usefixtures("crowd", "worse")
def test_a_boost_that_ran_out_or_came_back_shows_nobody(
    db: Session, hire: Hire, client: TestClient
) -> None:
    purchase = last_on_fit(hire).buy("profile_boost_month")
    _need, token = need_in(db)
    assert "Paid place." in matches_page(client, token)
    shop.refund(db, purchase.id, reason="Asked for it back")
    assert "Paid place." not in matches_page(client, token)


# ---- the category's page ----


@pytest.mark.usefixtures("crowd")
def test_who_is_featured_stands_in_a_labelled_row(hire: Hire, client: TestClient) -> None:
    owner = hire()
    before = client.get(f"/providers/{ADVISORS}").text
    assert "Paid place." not in before
    owner.buy("featured_listing_week")
    page = client.get(f"/providers/{ADVISORS}").text
    featured, _, everybody = page.partition("Everybody</h2>")
    assert "Paid place.</strong> It does not change anybody’s fit." in featured
    assert "Greta Example" in featured
    assert everybody == before.partition("Everybody</h2>")[2]
    assert client.get("/providers/no_such_category").status_code == 404


def test_a_profile_taken_down_is_featured_no_more(hire: Hire, client: TestClient) -> None:
    owner = hire()
    owner.buy("featured_listing_week")
    approval.reject(owner.db, owner.provider, None, reason="Your licence ran out.")
    assert "Greta Example" not in client.get(f"/providers/{ADVISORS}").text


# ---- the badge ----


def test_the_badge_shows_until_it_is_refunded(hire: Hire, client: TestClient) -> None:
    owner = hire(**CHECKED, slug="greta")
    _need, token = need_in(owner.db)
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


def test_the_badge_goes_with_the_check(hire: Hire, client: TestClient) -> None:
    owner = hire(**CHECKED, slug="greta")
    owner.buy("verified_badge")
    approval.verify_credentials(owner.db, owner.provider, None, [])
    assert "Verified badge" not in client.get("/p/greta").text
    assert "Verified badge" not in client.get(f"/providers/{ADVISORS}").text


# ---- its pages ----


def test_pressing_twice_and_going_back_buy_once(hire: Hire, sign_in: SignIn) -> None:
    owner = hire()
    client = sign_in(owner.user)
    path = f"/pro/boosts/{ADVISORS}/profile_boost_month"
    data = {"key": KEY, "renews": "yes"}
    answers = [client.post(path, data=data, follow_redirects=False) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(owner.purchases) == 1
    back = client.get(f"{path}?key={KEY}", follow_redirects=False)
    assert back.headers["location"] == "/pro/boosts"
    page = client.get("/pro/boosts").text
    assert "Runs until" in page
    assert "Renews every 30 days" in page
    other = client.post(f"/pro/boosts/{ADVISORS}/featured_listing_week", data=data)
    assert other.status_code == 409
    assert len(owner.purchases) == 1


def test_renewing_is_switched(hire: Hire, sign_in: SignIn) -> None:
    owner = hire(**CHECKED)
    client = sign_in(owner.user)
    boost = owner.buy("profile_boost_month", renews=True)
    path = f"/pro/boosts/purchases/{boost.id}/renewing"
    client.post(path, data={"renews": "no"})
    assert owner.purchases[0].renews is False
    client.post(path, data={"renews": "yes"})
    assert owner.purchases[0].renews is True
    badge = owner.buy("verified_badge", key="another")
    refused = client.post(f"/pro/boosts/purchases/{badge.id}/renewing", data={"renews": "yes"})
    assert refused.status_code == 409
    stranger = sign_in(hire("Hugo Example").user)
    assert stranger.post(path, data={"renews": "no"}).status_code == 404
    assert [one.renews for one in owner.purchases] == [False, True]


@pytest.mark.parametrize("option", ["workshop", "premium_match", "bogus"])
def test_an_unknown_option_is_not_there(hire: Hire, sign_in: SignIn, option: str) -> None:
    owner = hire()
    answer = sign_in(owner.user).post(f"/pro/boosts/{ADVISORS}/{option}", data={"key": KEY})
    assert answer.status_code == 404
    assert owner.purchases == []


def test_a_page_without_a_profile_or_enough_pot(hire: Hire, make: Make, sign_in: SignIn) -> None:
    poor = hire(pot=10)
    client = sign_in(poor.user)
    path = f"/pro/boosts/{ADVISORS}/profile_boost_month"
    assert "How to earn the rest" in client.get(path).text
    assert client.post(path, data={"key": KEY}).status_code == 409
    assert poor.purchases == []
    badge = client.get(f"/pro/boosts/{ADVISORS}/verified_badge").text
    assert "needs a credential that an operator has checked" in badge
    nobody = sign_in(make.user())
    assert "You have no profile yet" in nobody.get("/pro/boosts").text
    assert nobody.post(path, data={"key": KEY}).status_code == 404
