"""Queries of people's POT for POTService, and of open work for operators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.ids import MAX_BIGINT
from imatch.ledger import POT
from imatch.ledger.models import PotAccount, PotTransaction
from imatch.pot.awards.models import PotGrant
from imatch.pot.errors import BadArgument
from imatch.pot.models import PotRedemption, ProposalStatus, RedemptionStatus
from imatch.pot.shop.models import PotPurchase, PurchaseStatus

MAX_PAGE = 1_000


def free_pot(db: Session, user_id: int) -> int | None:
    """A person's free POT, 0 before their first transaction; None if the user does not exist."""
    free = func.coalesce(PotAccount.balance - PotAccount.held, 0)
    account = PotAccount.user_id == User.id
    return db.scalar(
        select(free).select_from(User).outerjoin(PotAccount, account).where(User.id == user_id)
    )


@dataclass(frozen=True, slots=True)
class WaitingForOperators:
    orders: int
    next_order_due: datetime | None
    grants: int
    redemptions: int


def waiting_for_operators(db: Session) -> WaitingForOperators:
    """Counts of open orders, grants and redemptions."""
    orders, next_due = db.execute(
        select(func.count(), func.min(PotPurchase.ends_at)).where(
            PotPurchase.status == PurchaseStatus.ORDERED
        )
    ).one()
    grants = select(func.count()).where(PotGrant.status == ProposalStatus.PROPOSED)
    redemptions = select(func.count()).where(PotRedemption.status == RedemptionStatus.PENDING)
    return WaitingForOperators(
        orders, next_due, int(db.scalar(grants) or 0), int(db.scalar(redemptions) or 0)
    )


def check_page(limit: int, offset: int, transaction_type: str | None) -> None:
    """Check the arguments of `history`. Raises BadArgument."""
    if type(limit) is not int or not 1 <= limit <= MAX_PAGE:
        raise BadArgument(f"limit is a whole number from 1 to {MAX_PAGE}.")
    if type(offset) is not int or not 0 <= offset <= MAX_BIGINT:
        raise BadArgument("offset is a whole number from 0.")
    if transaction_type is not None and transaction_type not in POT.transaction_types:
        raise BadArgument(f"transaction_type is one of {', '.join(POT.transaction_types)}.")


def history(
    db: Session, user_id: int, limit: int, offset: int, transaction_type: str | None
) -> list[dict[str, Any]]:
    """A page of a person's transactions, newest first."""
    entry = PotTransaction
    query = select(
        entry.id,
        entry.amount,
        entry.transaction_type,
        entry.category,
        entry.description,
        entry.balance_after,
        entry.created_at,
    ).where(
        entry.user_id.between(user_id, user_id)
    )  # BETWEEN makes PostgreSQL use the index by person
    if transaction_type is not None:
        query = query.where(entry.transaction_type == transaction_type)
    newest_first = query.order_by(entry.user_id.desc(), entry.id.desc())
    rows = db.execute(newest_first.limit(limit).offset(offset)).mappings()
    return [
        {
            **row,
            "transaction_type": row["transaction_type"].value,
            "created_at": row["created_at"].isoformat(),
        }
        for row in rows
    ]
