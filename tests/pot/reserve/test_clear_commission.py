"""Clearing grants allowances of at most the commission; a reversal withdraws them."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts.marketplace import EngagementPaid, EngagementReversed
from imatch.ledger import KeyReused
from imatch.pot.awards.models import PotAward
from imatch.pot.models import RedemptionStatus
from imatch.pot.redemption import payouts
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.reserve import service as reserve
from imatch.pot.reserve.coverage import CoverageState, coverage
from imatch.pot.reserve.models import PotCommission
from imatch.pot.tasks import clear_commissions
from tests.factories import Make
from tests.support.balances import allowance_cents, cash_book, free_pot

pytestmark = pytest.mark.both_databases


def commission_of(db: Session, engagement_id: int) -> PotCommission:
    query = select(PotCommission).where(PotCommission.engagement_id == engagement_id)
    return db.scalars(query.execution_options(populate_existing=True)).one()


def referral(db: Session, referrer: int, rule: str, engagement_id: int, pot: int) -> PotAward:
    award = PotAward(
        key=f"earn:{rule}:{engagement_id}:{referrer}",
        user_id=referrer,
        rule=rule,
        amount=pot,
        award_class="B",
        status="queued",
        reference_type="engagement",
        reference_id=engagement_id,
    )
    with atomic(db):
        db.add(award)
    return award


@pytest.mark.parametrize(
    ("deal_cents", "paid_before", "days"),
    [(50_000, True, 60), (99_999, True, 60), (100_000, True, 120), (50_000, False, 120)],
)
def test_clearing_days(
    db: Session, make: Make, deal_cents: int, paid_before: bool, days: int
) -> None:
    provider = make.trusted_user()
    if paid_before:
        make.commission(provider=provider, days_ago=300)
    fact = make.commission(provider=provider, deal_cents=deal_cents)
    assert commission_of(db, fact.engagement_id).clears_at == fact.paid_at + timedelta(days=days)


def test_a_reversed_payment_does_not_shorten_clearing(db: Session, make: Make) -> None:
    provider = make.trusted_user()
    first = make.commission(provider=provider)
    reserve.on_engagement_reversed(db, EngagementReversed(first.engagement_id, "refund"))
    fact = make.commission(provider=provider)
    assert commission_of(db, fact.engagement_id).clears_at == fact.paid_at + timedelta(days=120)


def test_commission_clears_when_due(db: Session, make: Make) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        provider, seeker = make.trusted_user(), make.trusted_user()
        fact = make.commission(provider=provider, seeker=seeker, commission_cents=10_010)
        clock.move_to(fact.paid_at + timedelta(days=120, seconds=-1))
        assert reserve.clear_due(db) == 0
        clock.move_to(fact.paid_at + timedelta(days=120))
        assert reserve.clear_due(db) == 1
        assert reserve.clear_due(db) == 0
    assert allowance_cents(db, provider) == 2_502  # a quarter, rounded down
    assert allowance_cents(db, seeker) == 1_001
    # Both allowances and 5 % on top, which makes coverage normal.
    assert cash_book(db) == {
        "payers": -10_010,
        "commission_received": 10_010 - 4_003,
        "reserve": 4_003,
        "allowances": -3_503,
        "people": 3_503,
    }
    assert commission_of(db, fact.engagement_id).status == "cleared"


def test_booking_is_idempotent(db: Session, make: Make) -> None:
    fact = make.commission(days_ago=200)
    reserve.on_engagement_paid(db, fact)
    assert cash_book(db)["commission_received"] == 10_000
    reserve.clear_due(db)
    books = cash_book(db)
    reserve.on_engagement_paid(db, fact)
    assert (cash_book(db), reserve.clear_due(db)) == (books, 0)


def test_an_engagement_has_one_commission(make: Make) -> None:
    fact = make.commission()
    with pytest.raises(KeyReused):
        make.commission(engagement_id=fact.engagement_id, commission_cents=1)


@pytest.mark.parametrize("cents", [1, 3, 9])
def test_a_commission_too_small_to_share_clears_without_movements(
    db: Session, make: Make, cents: int
) -> None:
    make.commission(commission_cents=cents, days_ago=200)
    assert reserve.clear_due(db) == 1
    assert cash_book(db)["commission_received"] == cents - cash_book(db)["people"]


def test_engagements_without_commission_are_ignored(db: Session, make: Make) -> None:
    make.commission(commission_cents=0)
    assert db.scalars(select(PotCommission)).all() == []


def test_referrers_are_paid_until_their_award_is_covered(db: Session, make: Make) -> None:
    provider, inviter, other = make.trusted_user(), make.trusted_user(), make.trusted_user()
    first = make.commission(
        provider=provider,
        commission_cents=60_000,
        days_ago=200,
        provider_referrer_user_id=inviter.id,
        seeker_referrer_user_id=other.id,
    )
    referral(db, inviter.id, "provider_referral", first.engagement_id, 200)  # worth $160
    referral(db, other.id, "seeker_referral", first.engagement_id, 250)
    make.commission(provider=provider, commission_cents=60_000, days_ago=199)
    reserve.clear_due(db)
    # A fifth of each commission, until 200 x 80 cents are there.
    assert allowance_cents(db, inviter) == 12_000 + 4_000
    assert allowance_cents(db, other) == 12_000
    assert allowance_cents(db, provider) == 30_000


def test_award_clearing_and_clawback_of_an_engagement(db: Session, make: Make) -> None:
    """The whole way through the real rules and the daily job."""
    provider, seeker, inviter = (make.trusted_user() for _ in range(3))
    fact = EngagementPaid(
        engagement_id=7_000,
        provider_user_id=provider.id,
        seeker_user_id=seeker.id,
        deal_cents=100_000,
        commission_cents=15_000,
        paid_at=now() - timedelta(days=130),
        provider_referrer_user_id=inviter.id,
    )
    with atomic(db):
        announce(db, fact)
    clear_commissions()
    db.rollback()
    people = (provider, seeker, inviter)
    assert [free_pot(db, person) for person in people] == [50, 100, 500]
    assert [allowance_cents(db, person) for person in people] == [3_750, 1_500, 3_000]
    with atomic(db):
        announce(db, EngagementReversed(7_000, "dispute"))
    assert [free_pot(db, person) for person in people] == [0, 0, 0]
    assert cash_book(db) == {"people": 0}


def test_a_referrer_without_award_gets_no_allowance(db: Session, make: Make) -> None:
    inviter = make.trusted_user()
    make.commission(days_ago=200, provider_referrer_user_id=inviter.id)
    reserve.clear_due(db)
    assert allowance_cents(db, inviter) == 0


def test_never_more_than_four_fifths_leave_a_commission(db: Session, make: Make) -> None:
    inviters = [make.trusted_user(), make.trusted_user()]
    fact = make.commission(
        commission_cents=9_999,
        days_ago=200,
        provider_referrer_user_id=inviters[0].id,
        seeker_referrer_user_id=inviters[1].id,
    )
    referral(db, inviters[0].id, "provider_referral", fact.engagement_id, 500)
    referral(db, inviters[1].id, "seeker_referral", fact.engagement_id, 250)
    reserve.clear_due(db)
    books = cash_book(db)
    assert books["reserve"] == 2_499 + 999 + 1_999 + 1_999 + 499 <= 9_999 * 80 // 100
    assert books["reserve"] - books["people"] == 499


def test_a_full_buffer_takes_no_more(db: Session, make: Make) -> None:
    for _ in range(3):
        make.commission(days_ago=200)
    reserve.clear_due(db)
    current = coverage(db)
    # A buffer of 5 % beside 35 % of allowances exceeds 10 %, so a later commission adds none.
    assert (current.allowances.cents, current.reserve.cents) == (10_500, 10_500 + 3 * 500)
    make.commission(days_ago=200, commission_cents=1_000)
    reserve.clear_due(db)
    assert coverage(db).reserve.cents == 12_000 + 350
    assert coverage(db).state is CoverageState.NORMAL


def test_a_reversal_before_clearing_is_a_refund(db: Session, make: Make) -> None:
    fact = make.commission(days_ago=200)
    for _ in range(2):
        reserve.on_engagement_reversed(db, EngagementReversed(fact.engagement_id, "refund"))
    assert cash_book(db) == {"people": 0}
    assert reserve.clear_due(db) == 0
    assert commission_of(db, fact.engagement_id).status == "reversed"


def test_a_reversal_of_something_unknown_moves_nothing(db: Session, make: Make) -> None:
    reserve.on_engagement_reversed(db, EngagementReversed(2**62, "refund"))
    assert cash_book(db) == {"people": 0}


def test_a_reversal_after_clearing_takes_allowances_back(db: Session, make: Make) -> None:
    fact = make.commission(days_ago=200)
    reserve.clear_due(db)
    for _ in range(2):
        reserve.on_engagement_reversed(db, EngagementReversed(fact.engagement_id, "dispute"))
    assert cash_book(db) == {"people": 0}


@pytest.mark.usefixtures("cash_redemption_on")
def test_requests_covered_by_a_reversed_engagement_are_rejected(db: Session, make: Make) -> None:
    person = make.redeemer(covered_pot=250)
    request = make.redemption(person, 250)
    engagement = db.scalars(select(PotCommission.engagement_id)).one()
    reserve.on_engagement_reversed(db, EngagementReversed(engagement, "dispute"))
    assert (request.status, free_pot(db, person), allowance_cents(db, person)) == (
        "rejected",
        1_000,
        0,
    )
    assert cash_book(db) == {"people": 0}


@pytest.mark.usefixtures("cash_redemption_on")
def test_the_reserve_bears_payouts_of_a_reversed_engagement(db: Session, make: Make) -> None:
    person = make.redeemer(covered_pot=250)
    make.redeemer(covered_pot=1_000)  # somebody else, whose money is in the reserve too
    before = coverage(db)
    request = make.redemption(person, 250)
    with atomic(db):
        request.status, request.exported_at = RedemptionStatus.APPROVED, now()
    commission = db.scalars(
        select(PotCommission).where(PotCommission.provider_user_id == person.id)
    ).one()
    reserve.on_engagement_reversed(db, EngagementReversed(commission.engagement_id, "fraud"))
    books = cash_book(db)
    assert books["lost"] == 250 * 80
    assert books["people"] == before.allowances.cents - 8_000  # the seeker's tenth is withdrawn
    assert coverage(db).state is not CoverageState.NORMAL
    assert redemption_queries.of_person(db, person.id)[0].status == "approved"
    paid_back = 320_000 + commission.commission_cents + books["payers"]
    assert paid_back + books["lost"] == commission.commission_cents


@pytest.mark.usefixtures("cash_redemption_on")
def test_exported_payouts_stay_in_the_reserve(db: Session, make: Make) -> None:
    person = make.redeemer(covered_pot=250)
    request = make.redemption(person, 250, exported=True)
    engagement = db.scalars(select(PotCommission.engagement_id)).one()
    reserve.on_engagement_reversed(db, EngagementReversed(engagement, "fraud"))
    assert coverage(db).reserve.cents == request.payout_cents
    payouts.mark_paid(db, request.id, make.payer.id, "B-1")
    assert cash_book(db) == {
        "commission_received": -request.payout_cents,
        "paid_out": request.payout_cents,
        "people": 0,
    }
