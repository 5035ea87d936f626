"""Amounts move once, completely, and only if they are available."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.core.database import SessionLocal
from imatch.ledger import (
    POT,
    AccountNotFound,
    HoldNotOpen,
    InsufficientFunds,
    KeyReused,
    LedgerError,
    TransactionType,
    capture,
    post,
    post_many,
    release,
)
from imatch.ledger.errors import BadMovement
from imatch.ledger.models import PotAccount, PotTransaction
from tests.factories import Make
from tests.factories.movements import earn, hold, spend

pytestmark = pytest.mark.both_databases


def standing(db: Session, user_id: int) -> tuple[int, ...]:
    account = db.scalars(select(PotAccount).where(PotAccount.user_id == user_id)).one()
    db.refresh(account)
    return (account.balance, account.held, account.earned, account.spent, account.burned)


def test_a_first_award_opens_the_account(db: Session, make: Make) -> None:
    user = make.user()
    entry = post(db, POT, earn(user.id, 50))
    assert (entry.balance_before, entry.balance_after, entry.replayed) == (0, 50, False)
    assert standing(db, user.id) == (50, 0, 50, 0, 0)


def test_the_same_key_moves_once(db: Session, make: Make) -> None:
    user = make.user()
    first = post(db, POT, earn(user.id, 50))
    again = post(db, POT, earn(user.id, 50))
    assert again.replayed
    assert (again.id, again.balance_after) == (first.id, 50)
    assert standing(db, user.id)[0] == 50


def test_the_same_key_for_something_else_is_refused(db: Session, make: Make) -> None:
    user = make.user()
    post(db, POT, earn(user.id, 50))
    with pytest.raises(KeyReused):
        post(db, POT, earn(user.id, 51))
    assert standing(db, user.id)[0] == 50


def test_nobody_overspends(db: Session, make: Make) -> None:
    user = make.user()
    post(db, POT, earn(user.id, 50))
    with pytest.raises(InsufficientFunds) as refusal:
        post(db, POT, spend(user.id, 51))
    assert (refusal.value.required, refusal.value.available) == (51, 50)
    assert post(db, POT, spend(user.id, 50)).balance_after == 0
    assert standing(db, user.id) == (0, 0, 50, 50, 50)


def test_a_stranger_has_no_account(db: Session) -> None:
    with pytest.raises(AccountNotFound, match="User 999 not found"):
        post(db, POT, earn(999, 5))


@pytest.mark.parametrize("amount", [0, 10**30, 1.5, True])
def test_an_amount_is_a_whole_number_of_sensible_size(db: Session, amount: int) -> None:
    with pytest.raises(BadMovement):
        post(db, POT, earn(1, amount))


def test_a_hold_lowers_the_free_amount_and_is_captured_in_part(db: Session, make: Make) -> None:
    user = make.user()
    post(db, POT, earn(user.id, 100))
    held = post(db, POT, hold(user.id, 60))
    assert (held.balance_before, held.balance_after) == (100, 40)
    taken = capture(db, POT, held.id, key="c", transaction_type=TransactionType.SPEND, amount=45)
    assert (taken.amount, taken.balance_before, taken.balance_after) == (-45, 40, 55)
    assert standing(db, user.id) == (55, 0, 100, 45, 45)
    with pytest.raises(HoldNotOpen):
        release(db, POT, held.id, key="r")


def test_a_released_hold_is_free_again(db: Session, make: Make) -> None:
    user = make.user()
    post(db, POT, earn(user.id, 100))
    held = post(db, POT, hold(user.id, 60))
    freed = release(db, POT, held.id, key="r")
    assert (freed.amount, freed.balance_after) == (60, 100)
    assert release(db, POT, held.id, key="r").replayed
    assert standing(db, user.id) == (100, 0, 100, 0, 0)


def test_an_expired_hold_can_only_be_released(db: Session, make: Make) -> None:
    user = make.user()
    post(db, POT, earn(user.id, 100))
    held = post(db, POT, hold(user.id, 60, minutes=-1))
    with pytest.raises(HoldNotOpen):
        capture(db, POT, held.id, key="c", transaction_type=TransactionType.SPEND)
    assert release(db, POT, held.id, key="r").balance_after == 100


def test_a_batch_posts_what_is_allowed(db: Session, make: Make) -> None:
    receiver, other = make.user(), make.user()
    outcomes = post_many(
        db,
        POT,
        [
            earn(other.id, 10, "1"),
            spend(receiver.id, 5, "2"),
            earn(receiver.id, 10, "3"),
            earn(other.id, 10, "1"),
            earn(404, 1, "4"),
            spend(other.id, 4, "5"),
        ],
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["Entry", "InsufficientFunds", "Entry", "Entry", "AccountNotFound", "Entry"]
    assert standing(db, receiver.id)[0] == 10
    assert standing(db, other.id)[0] == 6


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE pot_transactions SET amount = 5000",
        "UPDATE pot_transactions SET description = 'x'",
        "DELETE FROM pot_transactions",
    ],
)
def test_the_database_refuses_to_change_a_row(db: Session, make: Make, change: str) -> None:
    user = make.user()
    post(db, POT, earn(user.id, 50))
    with pytest.raises(Exception, match="immutable"):
        db.execute(text(change))


def test_replace_deletes_no_row(sqlite_url: str) -> None:
    engine = database.bind(sqlite_url)
    with SessionLocal() as db:
        user = Make(db).user()
        post(db, POT, earn(user.id, 50))
        first, _other = (post(db, POT, hold(user.id, 20, key)) for key in ("first", "other"))
        release(db, POT, first.id, key="released")
        rows = db.scalars(select(PotTransaction.id)).all()
        for column in ("id", "hold_id"):
            same = f"(SELECT {column} FROM pot_transactions WHERE idempotency_key = 'released')"
            with pytest.raises(Exception, match="immutable"):
                db.execute(
                    text(
                        f"INSERT OR REPLACE INTO pot_transactions ({column}, user_id, amount,"
                        " counter_account, transaction_type, category, phase, balance_before,"
                        " balance_after, held_after, idempotency_key, created_at)"
                        f" VALUES ({same}, {user.id}, 20, 'burned', 'release', 'x', 'void', 30, 50,"
                        " 0, 'again', CURRENT_TIMESTAMP)"
                    )
                )
            db.rollback()
        assert db.scalars(select(PotTransaction.id)).all() == rows
    engine.dispose()


def test_a_refusal_changes_nothing_and_the_transaction_continues(db: Session, make: Make) -> None:
    user = make.user()
    outcomes: list[object] = [*post_many(db, POT, [spend(user.id, 1)])]
    assert isinstance(outcomes[0], LedgerError)
    assert post(db, POT, earn(user.id, 1, "next")).balance_after == 1
