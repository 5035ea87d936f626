"""POTService beside its caller's transaction: joined inside `atomic`, committed outside."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService, atomic
from imatch.accounts.models import User

pytestmark = pytest.mark.both_databases


def test_outside_atomic_a_call_commits_what_is_pending(
    db: Session, pot: POTService, user_id: int, new_session: Callable[[], Session]
) -> None:
    user = db.get_one(User, user_id)
    user.name = "New Name"
    db.add(User(email="second@example.org", name="Second", account_type="seeker"))
    pot.award_pot(user_id, "bug_report")
    with new_session() as other:
        assert other.get_one(User, user_id).name == "New Name"
        assert other.get_one(User, user_id).pot_balance == 100
        assert other.scalars(select(User).where(User.name == "Second")).one()


def test_a_new_person_can_be_awarded_before_a_commit(db: Session, pot: POTService) -> None:
    user = User(email="new@example.org", name="New", account_type="provider")
    db.add(user)
    db.flush()
    assert pot.award_profile_creation(user.id, "provider")["balance_after"] == 50


def test_reads_commit_what_is_pending_too(
    db: Session, pot: POTService, user_id: int, new_session: Callable[[], Session]
) -> None:
    db.get_one(User, user_id).name = "New Name"
    pot.get_user_balance(user_id)
    with new_session() as other:
        assert other.get_one(User, user_id).name == "New Name"


def test_a_call_leaves_a_fresh_snapshot(
    pot: POTService, user_id: int, new_session: Callable[[], Session]
) -> None:
    with new_session() as other:
        other_pot = POTService(other)
        for amount in (1, 2):
            other_pot.award_pot(user_id, "bug_report", amount=amount)
            balance = other_pot.get_user_balance(user_id)
            assert pot.get_user_balance(user_id) == balance
            assert len(pot.get_transaction_history(user_id)) == amount
            assert pot.get_economy_stats()["total_pot_in_circulation"] == balance


def test_inside_atomic_it_joins(
    db: Session, pot: POTService, user_id: int, new_session: Callable[[], Session]
) -> None:
    with pytest.raises(RuntimeError), atomic(db):  # noqa: PT012 -- a block that fails late
        pot.award_pot(user_id, "bug_report")
        assert pot.get_user_balance(user_id) == 100
        assert db.get_one(User, user_id).pot_balance == 100
        raise RuntimeError
    assert pot.get_user_balance(user_id) == 0
    with atomic(db):
        pot.award_pot(user_id, "bug_report")
        pot.get_economy_stats()
        if db.get_bind().dialect.name == "postgresql":  # SQLite's reader would wait
            with new_session() as other:
                assert POTService(other).get_user_balance(user_id) == 0
    with new_session() as other:
        assert POTService(other).get_user_balance(user_id) == 100
