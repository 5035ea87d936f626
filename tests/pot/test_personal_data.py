"""The export has a person's POT history; after an erasure the books keep amounts only."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.accounts import service as accounts
from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.facts.people import IdentityVerified, SecondFactorKept
from imatch.ledger.books import POT
from imatch.ledger.models import PotAccount, PotTransaction
from imatch.ledger.queries import system_balances
from imatch.pot import personal_data
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward
from imatch.pot.models import PotRedemption, RedemptionStatus
from imatch.pot.redemption.models import PotPayee
from imatch.pot.shop.models import PotPurchase
from imatch.providers.models import Provider
from tests.factories import Make
from tests.factories.facts import TUESDAY

pytestmark = pytest.mark.both_databases


def test_the_export_has_everything_that_moved(db: Session, make: Make) -> None:
    user, other = make.user(), make.user()
    pot = POTService(db)
    awards.on_rewarded_fact(db, IdentityVerified(user.id))
    awards.on_rewarded_fact(db, IdentityVerified(other.id))
    make.pot(user, 500)
    make.purchase(user, amount=60, note="The one in May")
    pot.redeem_pot_for_usd(user.id, 100)
    make.grant(user, by=make.operator(), reason="Well")
    section = accounts.export(db, user)["pot"]
    assert isinstance(section, dict)
    assert (section["balance"], section["held"], section["owed"]) == (550, 160, 0)
    assert [row["amount"] for row in section["transactions"]] == [50, 500, -60, -100]
    assert [row["rule"] for row in section["awards"]] == ["identity_verified"]
    assert [row["note"] for row in section["purchases"]] == ["The one in May"]
    assert [row["payout_cents"] for row in section["redemptions"]] == [8_000]
    assert [row["reason"] for row in section["grants"]] == ["Well"]
    assert section["payout_details"] is None


def test_nobodys_export_is_empty(db: Session, make: Make) -> None:
    section = accounts.export(db, make.user())["pot"]
    assert isinstance(section, dict)
    assert (section["balance"], section["transactions"], section["awards"]) == (0, [], [])


def test_a_person_in_the_books_leaves_a_nameless_number(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    user = make.user(email="gone@example.org", name="Gone Person")
    user_id = user.id
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(50)
        awards.on_rewarded_fact(db, IdentityVerified(user_id))
        awards.on_rewarded_fact(db, SecondFactorKept(user_id))
    make.pot(user, 500)
    make.purchase(user, amount=60, note="The one in May")
    POTService(db).redeem_pot_for_usd(user_id, 100)
    with atomic(db):
        db.add(PotPayee(user_id=user_id, details={"name": "Gone Person", "account": "1"}))
    accounts.erase(db, user)
    with new_session() as fresh:
        left = fresh.get_one(User, user_id)
        assert (left.name, left.active, left.password_hash) == ("Erased account", False, None)
        account = fresh.get_one(PotAccount, user_id)
        assert (account.balance, account.held) == (0, 0)
        assert system_balances(fresh, POT)["clawed_back"] == 550
        last = fresh.scalars(select(PotTransaction).order_by(PotTransaction.id.desc())).first()
        assert last is not None
        assert (last.amount, last.category) == (-550, "account_erased")
        assert "erased" in last.description
        statuses = set(fresh.scalars(select(PotAward.status)))
        assert statuses == {"paid", "clawed_back"}
        assert fresh.scalars(select(PotPayee)).all() == []
        assert [row.status for row in fresh.scalars(select(PotRedemption))] == ["cancelled"]
        purchase = fresh.scalars(select(PotPurchase)).one()
        assert (purchase.status, purchase.note) == ("cancelled", "")


def test_a_person_without_books_is_deleted_whole(db: Session, make: Make) -> None:
    user = make.user()
    accounts.erase(db, user)
    with atomic(db):
        assert db.scalars(select(User)).all() == []


def test_a_payout_with_the_bank_keeps_what_it_needs(db: Session, make: Make) -> None:
    user = make.buyer(500)
    user_id = user.id
    POTService(db).redeem_pot_for_usd(user_id, 100)
    with atomic(db):
        db.add(PotPayee(user_id=user_id, details={"name": "Gone Person", "account": "1"}))
        request = db.scalars(select(PotRedemption)).one()
        request.status, request.exported_at = (
            RedemptionStatus.APPROVED,
            datetime(2026, 3, 1, tzinfo=UTC),
        )
    accounts.erase(db, user)
    with atomic(db):
        assert db.get(PotPayee, user_id) is not None
        account = db.get_one(PotAccount, user_id)
        assert (account.balance, account.held) == (100, 100)
    other = make.user()
    personal_data.forget_erased_payees()
    with atomic(db):
        assert db.get(PotPayee, user_id, populate_existing=True) is not None
        db.scalars(select(PotRedemption)).one().status = RedemptionStatus.PAID
        db.add(PotPayee(user_id=other.id, details={"name": "Somebody else"}))
    personal_data.forget_erased_payees()
    with atomic(db):
        left = db.scalars(select(PotPayee).execution_options(populate_existing=True)).all()
    assert [row.details["name"] for row in left] == ["Somebody else"]


def test_profiles_and_needs_go_with_the_name(db: Session, make: Make) -> None:
    provider = make.provider()
    owner = db.get_one(User, provider.user_id)
    make.pot(owner)
    accounts.erase(db, owner)
    with atomic(db):
        assert db.scalars(select(Provider)).all() == []
