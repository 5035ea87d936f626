"""Which engagements were reversed, also those whose payment has not been heard of yet.

Facts can be announced again, and then in another order. Who hears of a payment asks here first.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.ledger import CASH, Movement, post_many
from imatch.ledger.errors import LedgerError
from imatch.ledger.models import CashTransaction
from imatch.pot.models import PotCommission

_AT_ONCE = 200


def payment_key(engagement_id: int) -> str:
    """Under which a payment, or a reversal before it, is in the cash book: never both."""
    return f"commission:{engagement_id}"


def among(db: Session, engagement_ids: Iterable[int | None]) -> set[int]:
    """Those of these engagements that were reversed."""
    asked = sorted({one for one in engagement_ids if one is not None})
    found: set[int] = set()
    for start in range(0, len(asked), _AT_ONCE):
        batch = asked[start : start + _AT_ONCE]
        commission = PotCommission.engagement_id
        reversed_ones = select(commission).where(
            commission.in_(batch), PotCommission.status == "reversed"
        )
        early = select(CashTransaction.reference_id).where(
            CashTransaction.idempotency_key.in_([_key(one) for one in batch])
        )
        found.update(db.scalars(reversed_ones))
        found.update(one for one in db.scalars(early) if one is not None)
    return found


def note_early(db: Session, engagement_id: int) -> None:
    """Remember a reversal whose payment was not booked.

    The cash book never forgets, and has no rows without an amount: a cent goes there and back.
    It takes the payment's key, so that of both at the same moment one is refused, and undone.
    """
    there = Movement(
        key=payment_key(engagement_id),
        system_account="commission_received",
        counter_account="payers",
        amount=1,
        transaction_type="commission",
        category="reversed_early",
        description="Notes a reversal that came before its payment; the next row takes it back",
        reference_type="engagement",
        reference_id=engagement_id,
    )
    back = Movement(
        key=_key(engagement_id),
        system_account="commission_received",
        counter_account="payers",
        amount=-1,
        transaction_type="refund",
        category="reversed_early",
        description="Notes a reversal that came before its payment",
        reference_type="engagement",
        reference_id=engagement_id,
    )
    for outcome in post_many(db, CASH, [there, back]):
        if isinstance(outcome, LedgerError):
            raise outcome


def _key(engagement_id: int) -> str:
    return f"reversed:{engagement_id}"
