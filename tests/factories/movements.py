"""Movements as the ledger is asked for them, and a small book with rows of every phase."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.ledger import (
    POT,
    Movement,
    Phase,
    SystemAccount,
    TransactionType,
    capture,
    post,
    release,
)
from tests.factories import Make


def earn(
    user_id: int,
    amount: int,
    key: str = "earn",
    *,
    transaction_type: TransactionType = TransactionType.EARN,
    category: str = "daily_login",
    **labels: Any,  # noqa: ANN401 -- any of a movement's fields
) -> Movement:
    return Movement(
        key=key,
        user_id=user_id,
        amount=amount,
        counter_account=SystemAccount.TREASURY,
        transaction_type=transaction_type,
        category=category,
        **labels,
    )


def spend(user_id: int, amount: int, key: str = "spend") -> Movement:
    return Movement(
        key=key,
        user_id=user_id,
        amount=-amount,
        counter_account=SystemAccount.BURNED,
        transaction_type=TransactionType.SPEND,
        category="rush_match",
    )


def hold(user_id: int, amount: int, key: str = "hold", minutes: int | None = 60) -> Movement:
    return Movement(
        key=key,
        user_id=user_id,
        amount=-amount,
        counter_account=SystemAccount.BURNED,
        transaction_type=TransactionType.HOLD,
        category="workshop",
        phase=Phase.HOLD,
        expires_at=None if minutes is None else now() + timedelta(minutes=minutes),
    )


def mint(amount: int, key: str) -> Movement:
    return Movement(
        key=key,
        system_account=SystemAccount.TREASURY,
        amount=amount,
        counter_account=SystemAccount.MINT,
        transaction_type=TransactionType.MINT,
        category="policy",
    )


def fill(db: Session, make: Make) -> dict[str, int]:
    """Post one of everything for two people; each row's id by its key."""
    ada, bo = make.user(), make.user()
    ids = {"ada": ada.id, "bo": bo.id}

    def keep(movement: Movement) -> None:
        ids[movement.key] = post(db, POT, movement).id

    keep(mint(10_000, "mint"))
    keep(earn(ada.id, 500, "earn", details={"from": 'Zoë\'s "first"\nday'}, description="Ünï"))
    keep(earn(bo.id, 300, "earn bo", reference_type="rating", reference_id=7))
    keep(spend(ada.id, 40, "spend"))
    keep(hold(ada.id, 60, "hold"))
    ids["post"] = capture(
        db, POT, ids["hold"], key="post", transaction_type=TransactionType.SPEND, amount=45
    ).id
    keep(hold(bo.id, 100, "hold bo"))
    ids["void"] = release(db, POT, ids["hold bo"], key="void").id
    keep(hold(bo.id, 30, "open hold"))
    keep(earn(ada.id, 500, "earn again"))
    keep(spend(bo.id, 5, "spend bo"))
    return ids
