"""Boosts: who may buy them, purchase pages, idempotency and renewal."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from imatch.core.clock import frozen
from imatch.core.database import atomic
from imatch.ledger import TransactionType
from imatch.ledger.models import PotTransaction
from imatch.mail.models import MailMessage
from imatch.pot.shop import service as shop
from imatch.pot.tasks import settle_purchases
from imatch.providers import approval, boosts
from imatch.providers.models import Provider
from imatch.providers.queries import UnknownProvider
from tests.factories import Make
from tests.factories.owners import KEY
from tests.factories.providers import ADVISORS, VERIFIED
from tests.support.clients import SignIn

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


# ---- eligibility ----


def test_buy_for_ones_own_public_profile(make: Make) -> None:
    owner = make.owner()
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
        ("verified_badge", {"status": "rejected", **VERIFIED}, boosts.NotPublic),
        ("verified_badge", {}, boosts.NothingChecked),
        (
            "verified_badge",
            {**VERIFIED, "profile": {"credentials": [{"type": "CFP", "expires": "2020-01-31"}]}},
            boosts.NothingChecked,
        ),
    ],
)
def test_an_ineligible_profile_pays_nothing(
    make: Make, option: str, columns: dict[str, Any], refusal: type[Exception]
) -> None:
    owner = make.owner(**columns)
    with pytest.raises(refusal):
        owner.buy(option)
    assert (owner.free, owner.purchases) == (3_000, [])
    spend_count = select(func.count()).where(
        PotTransaction.transaction_type == TransactionType.SPEND
    )
    assert owner.db.scalar(spend_count) == 0


def test_profiles_of_others_are_refused(make: Make) -> None:
    owner, other = make.owner(), make.owner("Hugo Example")
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


@pytest.mark.parametrize("option", boosts.OPTIONS)
def test_a_concurrently_deleted_profile_is_not_found(
    make: Make, new_session: Callable[[], Session], option: str
) -> None:
    owner = make.owner(**VERIFIED)
    profile_id = owner.provider.id
    with new_session() as other, atomic(other):
        other.execute(delete(Provider).where(Provider.id == profile_id))
    with pytest.raises(UnknownProvider):
        owner.buy(option)
    assert (owner.free, owner.purchases) == (3_000, [])


def test_a_second_badge_is_refused(make: Make) -> None:
    owner = make.owner(**VERIFIED)
    owner.buy("verified_badge")
    with pytest.raises(boosts.HasBadge):
        owner.buy("verified_badge", key="another")
    assert owner.free == 2_000


def test_a_refused_renewal_ends_without_payment(make: Make) -> None:
    owner = make.owner()
    with frozen(NOON):
        owner.buy("featured_listing_week", renews=True)
    approval.reject(owner.db, owner.provider, None, reason="Your licence ran out.")
    with frozen(NOON + timedelta(days=7)):
        settle_purchases()
        assert [purchase.status for purchase in owner.purchases] == ["delivered"]
    assert owner.free == 2_700
    subjects = owner.db.scalars(select(MailMessage.subject)).all()
    assert "Not renewed: Featured for a week" in subjects


# ---- pages ----


def test_posting_twice_and_going_back_buys_once(make: Make, sign_in: SignIn) -> None:
    owner = make.owner()
    client = sign_in(owner.user)
    path = f"/pro/boosts/{ADVISORS}/profile_boost_month"
    data = {"key": KEY, "renews": "yes"}
    responses = [client.post(path, data=data, follow_redirects=False) for _ in range(2)]
    assert [response.status_code for response in responses] == [303, 303]
    assert len(owner.purchases) == 1
    back = client.get(f"{path}?key={KEY}", follow_redirects=False)
    assert back.headers["location"] == "/pro/boosts"
    page = client.get("/pro/boosts").text
    assert "Runs until" in page
    assert "Renews every 30 days" in page
    other = client.post(f"/pro/boosts/{ADVISORS}/featured_listing_week", data=data)
    assert other.status_code == 409
    assert len(owner.purchases) == 1


def test_switch_renewal_on_and_off(make: Make, sign_in: SignIn) -> None:
    owner = make.owner(**VERIFIED)
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
    stranger = sign_in(make.owner("Hugo Example").user)
    assert stranger.post(path, data={"renews": "no"}).status_code == 404
    assert [purchase.renews for purchase in owner.purchases] == [False, True]


@pytest.mark.parametrize("option", ["workshop", "premium_match", "bogus"])
def test_an_unknown_option_is_not_found(make: Make, sign_in: SignIn, option: str) -> None:
    owner = make.owner()
    answer = sign_in(owner.user).post(f"/pro/boosts/{ADVISORS}/{option}", data={"key": KEY})
    assert answer.status_code == 404
    assert owner.purchases == []


def test_a_page_without_a_profile_or_enough_pot(make: Make, sign_in: SignIn) -> None:
    poor = make.owner(pot=10)
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
