"""Grants: one operator proposes an award by hand, another approves or rejects it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.errors import UserNotFound
from imatch.accounts.operators import checked_words, record, require_operator
from imatch.approvals.service import Step, decide, locked_row
from imatch.core.database import atomic
from imatch.core.errors import Conflict, NotFound
from imatch.ledger import POT, Movement, SystemAccount, TransactionType, post
from imatch.pot.awards.clawbacks import settle_from_award
from imatch.pot.awards.models import PotGrant
from imatch.pot.errors import BadAmount, UnknownEarningCategory
from imatch.pot.locks import lock_people
from imatch.pot.models import ProposalStatus
from imatch.pot.rules import EARNING_BY_NAME
from imatch.web import formats

MAX_GRANT = 1_000_000


class NoSuchGrant(NotFound, ValueError):
    code = "no_such_grant"


class OwnGrant(Conflict, ValueError):
    """An operator may not decide on their own proposal, or approve POT for themselves."""

    code = "own_grant"


class GrantDecided(Conflict, ValueError):
    code = "grant_decided"


def _decided(grant: PotGrant) -> GrantDecided:
    return GrantDecided(f"This grant is {grant.status} already.")


def _own_proposal() -> OwnGrant:
    return OwnGrant("Another operator has to decide on what you proposed.")


def _own_award() -> OwnGrant:
    return OwnGrant("Nobody approves POT for themselves.")


_REJECT: Step[PotGrant] = Step((ProposalStatus.PROPOSED,), _decided, {"proposed_by": _own_proposal})
_APPROVE: Step[PotGrant] = Step(
    (ProposalStatus.PROPOSED,), _decided, {"proposed_by": _own_proposal, "user_id": _own_award}
)


def propose(
    db: Session, user_id: int, amount: int, category: str, reason: str, *, operator_id: int
) -> PotGrant:
    """Propose a grant of `amount` POT to another operator; nothing moves yet.

    Idempotent: an equal, undecided proposal of the same operator is returned instead.
    Raises OperatorsOnly, UserNotFound, BadAmount, UnknownEarningCategory, or Invalid for a reason.
    """
    if type(amount) is not int or not 0 < amount <= MAX_GRANT:
        raise BadAmount(f"A grant is a whole number of POT from 1 to {formats.number(MAX_GRANT)}.")
    if category not in EARNING_BY_NAME:
        raise UnknownEarningCategory(category)
    checked_reason = checked_words(reason, "reason", "Say why: both people concerned can read it.")
    with atomic(db):
        require_operator(db, operator_id)
        if not lock_people(db, {user_id}):
            raise UserNotFound(user_id)
        values = {
            "user_id": user_id,
            "amount": amount,
            "category": category,
            "reason": checked_reason,
            "status": ProposalStatus.PROPOSED,
            "proposed_by": operator_id,
        }
        existing = db.scalar(select(PotGrant).filter_by(**values).limit(1))
        if existing is not None:
            return existing
        grant = PotGrant(**values)
        db.add(grant)
        db.flush()
        record("propose_grant", operator_id, grant_id=grant.id, user_id=user_id, amount=amount)
    return grant


def approve(db: Session, grant_id: int, *, operator_id: int) -> PotGrant:
    """Pay a proposed grant. Raises OperatorsOnly, NoSuchGrant, OwnGrant, GrantDecided."""
    with atomic(db):
        grant = _locked_grant(db, grant_id, operator_id, _APPROVE)
        if not lock_people(db, {grant.user_id}):
            raise UserNotFound(grant.user_id)
        entry = post(
            db,
            POT,
            Movement(
                key=f"grant:{grant.id}",
                user_id=grant.user_id,
                amount=grant.amount,
                counter_account=SystemAccount.TREASURY,
                transaction_type=TransactionType.EARN,
                category=grant.category,
                description=grant.reason,
                reference_type="grant",
                reference_id=grant.id,
            ),
        )
        settle_from_award(db, entry)
        grant.transaction_id = entry.id
        decide(
            db, grant, ProposalStatus.APPROVED, operator_id, act="grant_approved", grant_id=grant.id
        )
    return grant


def reject(db: Session, grant_id: int, *, operator_id: int) -> PotGrant:
    """Reject a proposed grant. Raises OperatorsOnly, NoSuchGrant, OwnGrant, GrantDecided."""
    with atomic(db):
        grant = _locked_grant(db, grant_id, operator_id, _REJECT)
        decide(
            db, grant, ProposalStatus.REJECTED, operator_id, act="grant_rejected", grant_id=grant.id
        )
    return grant


def proposed(db: Session) -> Sequence[PotGrant]:
    """Proposed grants, not decided yet, the oldest first."""
    proposals = select(PotGrant).where(PotGrant.status == ProposalStatus.PROPOSED)
    return db.scalars(proposals.order_by(PotGrant.id)).all()


def decided(db: Session, limit: int = 50) -> Sequence[PotGrant]:
    """Grants that were approved or rejected, the latest decision first."""
    decisions = select(PotGrant).where(PotGrant.status != ProposalStatus.PROPOSED)
    latest = decisions.order_by(PotGrant.decided_at.desc(), PotGrant.id.desc())
    return db.scalars(latest.limit(limit)).all()


def _locked_grant(db: Session, grant_id: int, operator_id: int, step: Step[PotGrant]) -> PotGrant:
    grant = locked_row(db, PotGrant, grant_id, operator_id, not_found=_no_such_grant)
    step.check(grant, operator_id)
    return grant


def _no_such_grant(grant_id: int) -> NoSuchGrant:
    return NoSuchGrant(f"There is no grant {grant_id}.")
