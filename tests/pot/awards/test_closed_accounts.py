"""Awards of a closed account, or one under a fraud hold, wait without blocking the queue."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.accounts.models import User
from imatch.accounts.service.administration import deactivate
from imatch.core.clock import frozen
from imatch.core.database import atomic
from imatch.facts.people import IdentityVerified
from imatch.pot import holds
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from tests.factories import Make
from tests.factories.facts import (
    FOE,
    FRIEND,
    ME,
    OTHER,
    PAID_AT,
    TUESDAY,
    engagement_paid,
    four_people,
)

pytestmark = pytest.mark.both_databases


class Closing:
    """Closes an account or places a fraud hold, and reverts it."""

    def __init__(self, db: Session, make: Make, kind: str) -> None:
        self.db, self.kind = db, kind
        self.make, self.operator = make, make.operator()

    def close(self, user_id: int) -> None:
        if self.kind == "deactivated":
            deactivate(self.db, self.db.get_one(User, user_id))
        else:
            self.make.fraud_hold(user_id, by=self.operator)

    def open(self, user_id: int) -> None:
        if self.kind == "deactivated":
            with atomic(self.db):
                self.db.get_one(User, user_id).active = True
        else:
            for hold in holds.holds_of(self.db, user_id):
                holds.lift_hold(self.db, hold.id, self.operator.id)


@pytest.fixture(params=["deactivated", "held"])
def closing(db: Session, make: Make, request: pytest.FixtureRequest) -> Closing:
    four_people(make)
    return Closing(db, make, request.param)


def test_queued_awards_wait_until_the_account_is_open_again(
    db: Session, make: Make, closing: Closing
) -> None:
    pot = POTService(db)
    with time_machine.travel(TUESDAY, tick=False) as clock:
        make.weekly_budget(0)
        awards.on_rewarded_fact(db, IdentityVerified(ME))
        clock.shift(timedelta(hours=1))
        awards.on_rewarded_fact(db, IdentityVerified(OTHER))
        closing.close(ME)
        make.weekly_budget(1_000)
        # An award that cannot be paid blocks neither the queue nor its health.
        assert awards.oldest_queued(db) == TUESDAY + timedelta(hours=1)
        waiting, others = db.scalars(select(PotAward).order_by(PotAward.id)).all()
        assert awards.expected_payment(db, waiting) is None
        assert awards.expected_payment(db, others) == TUESDAY.date()
        assert awards.pay_queue(db) == 1
        assert [pot.get_user_balance(person) for person in (ME, OTHER)] == [0, 50]
        assert [award.rule for award in awards.queued(db, ME)] == ["identity_verified"]
        awards.on_rewarded_fact(db, IdentityVerified(FRIEND))
        assert pot.get_user_balance(FRIEND) == 50
        closing.open(ME)
        assert awards.pay_queue(db) == 1
        assert pot.get_user_balance(ME) == 50


def test_class_b_awards_are_queued_under_a_fraud_hold(db: Session, make: Make) -> None:
    four_people(make)
    closing = Closing(db, make, "held")
    pot = POTService(db)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(1_000)
        closing.close(ME)
        awards.on_rewarded_fact(db, IdentityVerified(ME))
        awards.on_rewarded_fact(db, engagement_paid())
        awards.on_rewarded_fact(db, IdentityVerified(FOE))
        assert [pot.get_user_balance(person) for person in (ME, FOE)] == [5, 50]
        assert awards.pay_queue(db) == 0
        closing.open(ME)
        assert awards.pay_queue(db) == 1
        assert pot.get_user_balance(ME) == 55


def test_nothing_renews_for_a_closed_account(db: Session, make: Make) -> None:
    provider = make.provider()
    user_id = provider.user_id
    make.pot(user_id, 1_000)
    with frozen(PAID_AT):
        make.boost(provider, "featured_listing_week", renews=True)
    deactivate(db, db.get_one(User, user_id))
    with frozen(PAID_AT + timedelta(days=7)):
        assert shop.settle_due(db) == 1
    assert POTService(db).get_user_balance(user_id) == 700
    assert db.scalars(select(PotPurchase.status)).all() == ["delivered"]
