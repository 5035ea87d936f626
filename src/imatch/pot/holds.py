"""Fraud holds: while a hold stands, its person cannot redeem POT."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.operators import checked_words, record, require_operator
from imatch.accounts.queries import user_by_id
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Forbidden, NotFound
from imatch.core.ids import is_id
from imatch.pot.locks import lock_people
from imatch.pot.models import PotFraudHold


class OwnIdentity(Forbidden):
    code = "own_identity"

    def __init__(self) -> None:
        super().__init__("This is your own: another operator decides.")


class HoldNotFound(NotFound):
    code = "hold_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such hold.")


def place_hold(db: Session, user_id: int, operator_id: int, reason: str) -> PotFraudHold:
    """Stop a person's redemptions until the hold is lifted.

    Idempotent: an equal standing hold of the same operator is returned instead. Raises
    OperatorsOnly, UserNotFound, or Invalid for a reason.
    """
    checked_reason = checked_words(reason, "reason", "Say why payouts are held.")
    with atomic(db):
        require_operator(db, operator_id)
        user_by_id(db, user_id)
        lock_people(db, {operator_id})  # serialises an operator's forms: the second sees the first
        values = {
            "user_id": user_id,
            "reason": checked_reason,
            "placed_by": operator_id,
            "lifted_at": None,
        }
        existing = db.scalar(select(PotFraudHold).filter_by(**values).limit(1))
        if existing is not None:
            return existing
        hold = PotFraudHold(**values)
        db.add(hold)
        db.flush()
        record("place_fraud_hold", operator_id, user_id=user_id, hold_id=hold.id)
        return hold


def lift_hold(db: Session, hold_id: int, operator_id: int) -> PotFraudHold:
    """Lift a hold. Idempotent. Raises OperatorsOnly, HoldNotFound, OwnIdentity."""
    with atomic(db):
        require_operator(db, operator_id)
        hold = db.get(PotFraudHold, hold_id, with_for_update=True) if is_id(hold_id) else None
        if hold is None:
            raise HoldNotFound
        if hold.user_id == operator_id:
            raise OwnIdentity
        if hold.lifted_at is None:
            hold.lifted_at, hold.lifted_by = now(), operator_id
            record("lift_fraud_hold", operator_id, user_id=hold.user_id, hold_id=hold.id)
        return hold


def holds_of(db: Session, user_id: int) -> Sequence[PotFraudHold]:
    """All fraud holds of a person, also lifted ones, the newest first."""
    holds = select(PotFraudHold).where(PotFraudHold.user_id == user_id)
    return db.scalars(holds.order_by(PotFraudHold.id.desc())).all()


# The ids of people with a standing fraud hold.
HELD_PEOPLE = select(PotFraudHold.user_id).where(PotFraudHold.lifted_at.is_(None))


def is_on_hold(db: Session, user_id: int) -> bool:
    """Whether this person has a standing fraud hold."""
    standing_holds = HELD_PEOPLE.where(PotFraudHold.user_id == user_id)
    return db.scalar(standing_holds.limit(1)) is not None
