"""Clawbacks take free POT at once, and the rest from later awards."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.core.database import atomic
from imatch.facts.marketplace import CredentialVerified, EngagementReversed
from imatch.facts.people import IdentityVerified
from imatch.ledger.books import POT
from imatch.ledger.queries import system_balances
from imatch.pot.awards import clawbacks
from imatch.pot.awards import service as awards
from imatch.pot.awards.clawbacks import Clawback, NoSuchAward, TooLateToReverse
from imatch.pot.awards.models import PotAward, PotDebt
from imatch.pot.redemption import service as redemptions
from imatch.pot.shop import service as shop
from tests.factories import Make
from tests.factories.facts import (
    FRIEND,
    ME,
    OTHER,
    TUESDAY,
    announce_each,
    engagement_paid,
    four_people,
)
from tests.support.balances import pot_rows

pytestmark = pytest.mark.both_databases

FIRST_DEAL = engagement_paid(
    deal_cents=100_000, earlier_of_seeker=0, seeker_referrer_user_id=FRIEND, on_time=True
)


def rows(db: Session, user_id: int) -> list[tuple[str, str, int]]:
    return [(row.transaction_type, row.category, row.amount) for row in pot_rows(db, user_id)]


def test_a_reversed_engagement_takes_back_what_everybody_earned(db: Session, make: Make) -> None:
    four_people(make)
    announce_each(db, FIRST_DEAL)
    pot = POTService(db)
    assert [pot.get_user_balance(person) for person in (ME, OTHER, FRIEND)] == [60, 100, 250]
    for _ in range(2):
        announce_each(db, EngagementReversed(1, "Refunded"))
    assert [pot.get_user_balance(person) for person in (ME, OTHER, FRIEND)] == [0, 0, 0]
    assert system_balances(db, POT)["clawed_back"] == 410
    assert set(db.scalars(select(PotAward.status))) == {"clawed_back"}
    assert pot.get_transaction_history(FRIEND)[0]["description"] == "Refunded"
    assert db.scalars(select(PotDebt)).all() == []


def test_spent_pot_become_a_debt_that_later_awards_pay(db: Session, make: Make) -> None:
    four_people(make)
    pot = POTService(db)
    awards.on_rewarded_fact(db, FIRST_DEAL)
    pot.spend_pot(OTHER, "report_export", 70)
    clawbacks.reverse_awards(db, "engagement", 1, "Refunded")
    assert pot.get_user_balance(OTHER) == 0
    assert clawbacks.owed(db, OTHER) == 70
    awards.on_rewarded_fact(db, IdentityVerified(OTHER))
    assert (pot.get_user_balance(OTHER), clawbacks.owed(db, OTHER)) == (0, 20)
    awards.on_rewarded_fact(db, CredentialVerified(1, OTHER))
    assert (pot.get_user_balance(OTHER), clawbacks.owed(db, OTHER)) == (55, 0)
    assert rows(db, OTHER) == [
        ("earn", "seeker_first_engagement", 100),
        ("spend", "report_export", -70),
        ("clawback", "seeker_first_engagement", -30),
        ("earn", "identity_verified", 50),
        ("clawback", "debt", -50),
        ("earn", "credential_verified", 75),
        ("clawback", "debt", -20),
    ]


def test_a_released_hold_pays_the_debt(db: Session, make: Make) -> None:
    four_people(make)
    pot = POTService(db)
    make.pot(ME, 200)
    order, delivered = make.purchase(ME, amount=150), make.purchase(ME, amount=50)
    shop.deliver(db, delivered.id)
    assert clawbacks.claw_back(db, ME, 180, key="fraud", reason="fraud") == Clawback(0, 180)
    shop.cancel(db, order.id, user_id=ME)
    assert (pot.get_user_balance(ME), clawbacks.owed(db, ME)) == (0, 30)
    shop.refund(db, delivered.id, reason="It was not held")
    assert (pot.get_user_balance(ME), clawbacks.owed(db, ME)) == (20, 0)


def test_a_cancelled_redemption_pays_the_debt(db: Session, make: Make) -> None:
    four_people(make)
    pot = POTService(db)
    make.pot(ME, 200)
    request = redemptions.file(db, ME, 200, "bank_transfer", key="a")
    clawbacks.claw_back(db, ME, 180, key="fraud", reason="fraud")
    redemptions.cancel(db, ME, request.id)
    assert (pot.get_user_balance(ME), clawbacks.owed(db, ME)) == (20, 0)


def test_several_debts_are_paid_oldest_first(db: Session, make: Make) -> None:
    four_people(make)
    for _ in range(2):
        make.debt(ME, 30)
    awards.on_rewarded_fact(db, IdentityVerified(ME))
    assert [debt.owed for debt in db.scalars(select(PotDebt).order_by(PotDebt.id))] == [0, 10]


def test_a_clawback_is_idempotent_by_key(db: Session, make: Make) -> None:
    four_people(make)
    make.pot(ME, 40)
    for _ in range(3):
        done = clawbacks.claw_back(db, ME, 100, key="test:1", reason="Fraud")
        assert done == Clawback(taken=40, owed=60)
    assert POTService(db).get_user_balance(ME) == 0
    assert clawbacks.owed(db, ME) == 60


def test_a_queued_award_is_cancelled_and_leaves_its_cap_free(db: Session, make: Make) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(0)
        awards.on_rewarded_fact(db, FIRST_DEAL)
        assert len(awards.queued(db, FRIEND)) == 1
        clawbacks.reverse_awards(db, "engagement", 1, "Refunded")
        make.weekly_budget(1_000)
        assert awards.pay_queue(db) == 0
        assert rows(db, FRIEND) == []
        awards.on_rewarded_fact(db, engagement_paid(2, earlier_of_seeker=0))
        assert POTService(db).get_user_balance(OTHER) == 100


def test_after_180_days_an_award_stays(db: Session, make: Make) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        four_people(make)
        awards.on_rewarded_fact(db, FIRST_DEAL)
        award_id = db.scalars(select(PotAward.id)).first() or 0
        grant = POTService(db).award_pot(ME, "bug_report")["transaction_id"]
    with time_machine.travel(start + timedelta(days=180, seconds=1), tick=False):
        assert clawbacks.reverse_awards(db, "engagement", 1, "Late") == []
        with pytest.raises(TooLateToReverse):
            clawbacks.reverse_award(db, award_id, "Late")
        with pytest.raises(TooLateToReverse):
            clawbacks.reverse_transaction(db, grant, "Late")
        assert POTService(db).get_user_balance(ME) == 160
    with time_machine.travel(start + timedelta(days=180), tick=False):
        clawbacks.reverse_award(db, award_id, "In time")
        assert POTService(db).get_user_balance(ME) == 110


def test_only_awards_can_be_taken_back(db: Session, make: Make) -> None:
    four_people(make)
    pot = POTService(db)
    award = pot.award_pot(ME, "bug_report")["transaction_id"]
    spend = pot.spend_pot(ME, "report_export")["transaction_id"]
    for wrong in (spend, 999, 0, -1, 10**30):
        with pytest.raises(NoSuchAward):
            clawbacks.reverse_transaction(db, wrong, "Fraud")
        with pytest.raises(NoSuchAward):
            clawbacks.reverse_award(db, wrong, "Fraud")
    assert clawbacks.reverse_transaction(db, award, "Fraud") == Clawback(taken=50, owed=50)
    assert clawbacks.reverse_transaction(db, award, "Fraud") == Clawback(taken=50, owed=50)


def test_a_rules_transaction_taken_back_ends_its_award(db: Session, make: Make) -> None:
    four_people(make)
    awards.on_rewarded_fact(db, IdentityVerified(ME))
    award = db.scalars(select(PotAward)).one()
    clawbacks.reverse_transaction(db, award.transaction_id or 0, "Not them")
    with atomic(db):
        assert db.scalars(select(PotAward.status)).one() == "clawed_back"
    assert POTService(db).get_user_balance(ME) == 0
