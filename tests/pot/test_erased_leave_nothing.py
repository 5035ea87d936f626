"""An erased person has no active purchase, nothing to redeem, and gets no allowance."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts import service as accounts
from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import listen
from imatch.facts.economy import OptionEnded
from imatch.facts.marketplace import EngagementReversed
from imatch.ledger import CASH, POT
from imatch.ledger.auditing.audit import audit
from imatch.ledger.queries import account
from imatch.pot import personal_data
from imatch.pot.redemption import payouts
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as clearing
from imatch.pot.reserve.coverage import coverage
from imatch.pot.reserve.models import PotCommission
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from imatch.providers.boosts import BADGE, BOOST, FEATURED, PROFILE_REFERENCE_TYPE
from tests.factories import Make
from tests.factories.providers import VERIFIED
from tests.support.balances import allowance_cents, cash_book, free_pot

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("cash_redemption_on")]


def in_books(db: Session, user_id: int) -> list[tuple[int, int]]:
    """Balance and held, of POT and of allowance."""
    with atomic(db):
        accounts = [account(db, book, user_id) for book in (POT, CASH)]
        return [(row.balance, row.held) for row in accounts if row is not None]


def assert_covered_and_balanced(db: Session) -> None:
    with atomic(db):
        covered = coverage(db)
    assert covered.reserve.cents >= covered.allowances.cents
    assert [audit(db, book).findings for book in (POT, CASH)] == [[], []]


def test_nobody_inherits_what_an_erased_person_bought(db: Session, make: Make) -> None:
    checked = {**VERIFIED, "profile": {"credentials": [{"type": "CFP"}]}}
    other_profile, provider = make.provider(**checked), make.provider(**checked)
    owner, profile_id = db.get_one(User, provider.user_id), provider.id
    make.pot(owner, 5_000)
    stranger = db.get_one(User, other_profile.user_id)
    make.pot(stranger, 1_000)
    for option in (BOOST, BOOST, FEATURED, BADGE):
        make.boost(provider, option, renews=True)
    make.boost(other_profile, BADGE, renews=True)
    ended: list[OptionEnded] = []
    listen(OptionEnded, lambda _db, fact: ended.append(fact))
    accounts.erase(db, owner)
    make.provider()  # SQLite gives the deleted profile's number again
    assert [
        shop_queries.active(db, option, PROFILE_REFERENCE_TYPE, among={profile_id})
        for option in (BOOST, BADGE)
    ] == [{}, {}]
    assert shop_queries.active(db, FEATURED, PROFILE_REFERENCE_TYPE) == {}
    assert shop_queries.active(db, BADGE, PROFILE_REFERENCE_TYPE).keys() == {other_profile.id}
    assert [fact.option for fact in ended] == [BOOST, BOOST, FEATURED, BADGE]
    left = db.scalars(select(PotPurchase).where(PotPurchase.user_id != stranger.id)).all()
    assert {(row.status, row.renews, row.settled_at is None) for row in left} == {
        ("delivered", False, False)
    }
    with time_machine.travel(now() + timedelta(days=400)):
        assert shop.settle_due(db) == 0


def test_an_allowance_goes_with_its_person(db: Session, make: Make) -> None:
    person, other = make.redeemer(), make.redeemer()
    make.redemption(person, 250)
    user_id, before, reserve = person.id, coverage(db), cash_book(db)["reserve"]
    accounts.erase(db, person)
    after = coverage(db)
    assert in_books(db, user_id) == [(0, 0), (0, 0)]
    assert (before.allowances.cents - after.allowances.cents, after.reserve.cents) == (
        80_000,
        reserve,
    )
    assert allowance_cents(db, other) == 80_000
    with atomic(db):
        books = cash_book(db)
    personal_data.let_go_of_what_came_back()
    with atomic(db):
        assert cash_book(db) == books
    assert_covered_and_balanced(db)


def test_a_refund_after_it_takes_only_what_clearing_put_in(db: Session, make: Make) -> None:
    person, other = make.redeemer(), make.redeemer()
    engagement = db.scalars(
        select(PotCommission.engagement_id).where(PotCommission.provider_user_id == person.id)
    ).one()
    accounts.erase(db, person)
    clearing.on_engagement_reversed(db, EngagementReversed(engagement, "Refunded"))
    assert allowance_cents(db, other) == 80_000
    assert_covered_and_balanced(db)


@pytest.mark.parametrize("paid", [True, False])
def test_what_comes_back_from_the_bank_does_not_stay(db: Session, make: Make, paid: bool) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250, exported=True)
    user_id = person.id
    accounts.erase(db, person)
    assert in_books(db, user_id) == [(250, 250), (20_000, 20_000)]
    personal_data.let_go_of_what_came_back()
    assert in_books(db, user_id) == [(250, 250), (20_000, 20_000)]
    if paid:
        payouts.mark_paid(db, request.id, make.payer.id, "B-1")
    else:
        redemptions.reject(db, request.id, make.approver.id, "The bank sent it back.")
        assert in_books(db, user_id) == [(250, 0), (20_000, 0)]
    for _ in range(2):
        personal_data.let_go_of_what_came_back()
    assert in_books(db, user_id) == [(0, 0), (0, 0)]
    assert cash_book(db).get("paid_out", 0) == (20_000 if paid else 0)
    assert_covered_and_balanced(db)


def test_what_others_have_is_left_to_them(db: Session, make: Make) -> None:
    closed = make.redeemer()
    make.provider(user=closed)
    with atomic(db):
        closed.active = False
    with atomic(db):
        books = cash_book(db)
    personal_data.let_go_of_what_came_back()
    with atomic(db):
        assert cash_book(db) == books
    assert free_pot(db, closed) == 1_000


@pytest.mark.parametrize("side", ["provider", "seeker"])
def test_commission_that_clears_later_promises_an_erased_person_nothing(
    db: Session, make: Make, side: str
) -> None:
    gone, other = make.user(), make.user()
    gone_id = gone.id
    if side == "provider":
        make.commission(provider=gone, seeker=other, days_ago=200)
    else:
        make.commission(provider=other, seeker=gone, days_ago=200)
    accounts.erase(db, gone)
    clearing.clear_due(db)
    promised = {"provider": 1_000, "seeker": 2_500}[side]  # the other side's
    assert (account(db, CASH, gone_id), allowance_cents(db, other)) == (None, promised)
    assert db.scalars(select(PotCommission.status)).all() == ["cleared"]
    assert cash_book(db)["people"] == promised
    assert_covered_and_balanced(db)
