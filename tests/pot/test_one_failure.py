"""A scheduled job continues after a failing item, and still ends as failed."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.core.clock import frozen, now
from imatch.core.database import atomic
from imatch.core.events import only_listeners
from imatch.facts.economy import OptionEnded
from imatch.facts.people import IdentityVerified, SecondFactorKept
from imatch.jobs.run_each import ItemsFailed
from imatch.ledger import CASH, Movement, SystemAccount, TransactionType, post
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward
from imatch.pot.reserve.models import PotCommission
from imatch.pot.shop.models import PotPurchase
from imatch.pot.tasks import (
    clear_commissions,
    notice_second_factors,
    pay_queued_awards,
    settle_purchases,
)
from tests.factories import Make
from tests.factories.facts import ME, TUESDAY, four_people
from tests.support.balances import allowance_cents, cash_book

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Refusing:
    """A listener that fails for one person while it is switched on."""

    def __init__(self, user_id: int) -> None:
        self.user_id: int | None = user_id

    def hear(self, _db: Session, fact: OptionEnded | SecondFactorKept) -> None:
        if fact.user_id == self.user_id:
            raise LookupError("what was bought is gone")


def test_a_failing_purchase_does_not_stop_others(
    db: Session, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    buyers = [make.buyer().id for _ in range(3)]
    refusing = Refusing(buyers[0])
    with only_listeners({OptionEnded: [refusing.hear]}):
        for hour, buyer in enumerate(buyers):
            with frozen(NOON + timedelta(hours=hour)):
                make.purchase(buyer, "featured_listing_week")
        with frozen(NOON + timedelta(days=8)):
            with pytest.raises(ItemsFailed):
                settle_purchases()
            db.rollback()
            purchases = db.scalars(select(PotPurchase).order_by(PotPurchase.id)).all()
            assert [purchase.status for purchase in purchases] == [
                "active",
                "delivered",
                "delivered",
            ]
            printed = capsys.readouterr().out
            assert f"id={purchases[0].id}" in printed
            assert "LookupError" in printed
            assert "is gone" not in printed  # a message may quote people
            refusing.user_id = None
            settle_purchases()
        db.rollback()
        assert set(db.scalars(select(PotPurchase.status))) == {"delivered"}


def test_a_failing_award_does_not_stop_others(db: Session, make: Make) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(0)
        for person in (2, ME, 3, 4):
            awards.on_rewarded_fact(db, IdentityVerified(person))
        # The first award's idempotency key is used already.
        make.pot(4, 1, key="earn:identity_verified:2:2")
        make.weekly_budget(101)
        with pytest.raises(ItemsFailed):
            pay_queued_awards()
        db.rollback()
        statuses = db.scalars(select(PotAward.status).order_by(PotAward.id)).all()
        # Still in order, and within the budget, of which 1 was spent by hand.
        assert statuses == ["queued", "paid", "paid", "queued"]
        assert [POTService(db).get_user_balance(person) for person in (2, ME, 3, 4)] == [
            0,
            50,
            50,
            1,
        ]


def test_a_failing_commission_does_not_stop_others(db: Session, make: Make) -> None:
    providers = [make.trusted_user() for _ in range(3)]
    for days_ago, provider in zip((300, 250, 200), providers, strict=True):
        make.commission(provider=provider, days_ago=days_ago)
    first = db.scalars(select(PotCommission).order_by(PotCommission.id)).first()
    assert first is not None
    taken = Movement(
        key=f"clear:{first.id}:provider",
        user_id=providers[1].id,
        amount=1,
        counter_account=SystemAccount.ALLOWANCES,
        transaction_type=TransactionType.ALLOWANCE,
        category="provider",
    )
    post(db, CASH, taken)
    with pytest.raises(ItemsFailed):
        clear_commissions()
    db.rollback()
    statuses = db.scalars(select(PotCommission.status).order_by(PotCommission.id)).all()
    assert statuses == ["paid", "cleared", "cleared"]
    assert [allowance_cents(db, provider) for provider in providers] == [0, 2_501, 2_500]
    assert cash_book(db)["reserve"] == 2 * 4_000  # nothing for the one that failed


def test_a_failing_second_factor_does_not_stop_others(db: Session, make: Make) -> None:
    kept = [make.user(totp_confirmed_at=now() - timedelta(days=31)).id for _ in range(3)]
    db.rollback()
    heard = [Refusing(kept[0]).hear, awards.on_rewarded_fact]
    with only_listeners({SecondFactorKept: heard}), pytest.raises(ItemsFailed):
        notice_second_factors()
    with atomic(db):
        assert set(db.scalars(select(PotAward.user_id))) == set(kept[1:])
