"""Awards by hand: one operator proposes, and another one approves or rejects."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.errors import UserNotFound
from imatch.accounts.operators import checked_words, record, require_operator
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Conflict, NotFound
from imatch.ledger import POT, Movement, post
from imatch.pot.awards.clawbacks import settle_from_award
from imatch.pot.awards.models import PotGrant
from imatch.pot.errors import BadAmount, UnknownEarningCategory
from imatch.pot.locks import lock_people
from imatch.pot.rules import EARNING_BY_NAME

MAX_GRANT = 1_000_000


class NoSuchGrant(NotFound, ValueError):
    code = "no_such_grant"


class OwnGrant(Conflict, ValueError):
    """Nobody approves what they proposed, or what they would receive."""

    code = "own_grant"


class GrantDecided(Conflict, ValueError):
    code = "grant_decided"


def propose(
    db: Session, user_id: int, amount: int, category: str, reason: str, *, operator_id: int
) -> PotGrant:
    """Ask another operator to let somebody have POT; nothing moves yet.

    What the same operator proposed already, word for word, and nobody decided, is not filed twice.
    Raises OperatorsOnly, UserNotFound, BadAmount, UnknownEarningCategory, or Invalid for a reason.
    """
    if type(amount) is not int or not 0 < amount <= MAX_GRANT:
        raise BadAmount(f"A grant is a whole number of POT from 1 to {MAX_GRANT:,}.")
    if category not in EARNING_BY_NAME:
        raise UnknownEarningCategory(category)
    words = checked_words(reason, "reason", "Say why: both people concerned can read it.")
    with atomic(db):
        require_operator(db, operator_id)
        if not lock_people(db, {user_id}):
            raise UserNotFound(user_id)
        asked = {
            "user_id": user_id,
            "amount": amount,
            "category": category,
            "reason": words,
            "status": "proposed",
            "proposed_by": operator_id,
        }
        filed = db.scalar(select(PotGrant).filter_by(**asked).limit(1))
        if filed is not None:
            return filed
        grant = PotGrant(**asked)
        db.add(grant)
        db.flush()
        record("propose_grant", operator_id, grant_id=grant.id, user_id=user_id, amount=amount)
    return grant


def approve(db: Session, grant_id: int, *, operator_id: int) -> PotGrant:
    """Pay a proposed grant. Raises OperatorsOnly, NoSuchGrant, OwnGrant, GrantDecided."""
    with atomic(db):
        grant = _for_decision(db, grant_id, operator_id)
        if operator_id == grant.user_id:
            raise OwnGrant("Nobody approves POT for themselves.")
        if not lock_people(db, {grant.user_id}):
            raise UserNotFound(grant.user_id)
        paid = post(
            db,
            POT,
            Movement(
                key=f"grant:{grant.id}",
                user_id=grant.user_id,
                amount=grant.amount,
                counter_account="treasury",
                transaction_type="earn",
                category=grant.category,
                description=grant.reason,
                reference_type="grant",
                reference_id=grant.id,
            ),
        )
        settle_from_award(db, paid)
        grant.transaction_id = paid.id
        _decide(db, grant, operator_id, "approved")
    return grant


def reject(db: Session, grant_id: int, *, operator_id: int) -> PotGrant:
    """Turn a proposed grant down. Raises OperatorsOnly, NoSuchGrant, OwnGrant, GrantDecided."""
    with atomic(db):
        grant = _for_decision(db, grant_id, operator_id)
        _decide(db, grant, operator_id, "rejected")
    return grant


def proposed(db: Session) -> Sequence[PotGrant]:
    """Grants that wait for a second operator, the oldest first."""
    waiting = select(PotGrant).where(PotGrant.status == "proposed")
    return db.scalars(waiting.order_by(PotGrant.id)).all()


def decided(db: Session, limit: int = 50) -> Sequence[PotGrant]:
    """Grants that were approved or rejected, the latest decision first."""
    done = select(PotGrant).where(PotGrant.status != "proposed")
    latest = done.order_by(PotGrant.decided_at.desc(), PotGrant.id.desc())
    return db.scalars(latest.limit(limit)).all()


def _for_decision(db: Session, grant_id: int, operator_id: int) -> PotGrant:
    require_operator(db, operator_id)
    query = select(PotGrant).where(PotGrant.id == grant_id).with_for_update()
    held = query.execution_options(populate_existing=True)
    grant = db.scalar(held) if 0 < grant_id < 2**63 else None
    if grant is None:
        raise NoSuchGrant(f"There is no grant {grant_id}.")
    if grant.status != "proposed":
        raise GrantDecided(f"This grant is {grant.status} already.")
    if grant.proposed_by == operator_id:
        raise OwnGrant("Another operator has to decide on what you proposed.")
    return grant


def _decide(db: Session, grant: PotGrant, operator_id: int, status: str) -> None:
    grant.status = status
    grant.decided_by = operator_id
    grant.decided_at = now()
    db.flush()
    record(f"grant_{status}", operator_id, grant_id=grant.id)
