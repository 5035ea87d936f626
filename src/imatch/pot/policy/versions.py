"""Policy versions: one operator proposes new numbers, another approves or rejects them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.operators import checked_words, record, require_operator
from imatch.approvals.service import SecondPersonNeeded, Step, decide, locked_row
from imatch.core import clock
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid, NotFound
from imatch.pot.locks import lock_people
from imatch.pot.models import ProposalStatus
from imatch.pot.policy import controller
from imatch.pot.policy import service as policy
from imatch.pot.policy.models import PotPolicyVersion
from imatch.pot.policy.service import Numbers
from imatch.web import formats

MAX_REASON_CHARACTERS = 1_000
MAX_LEAD_TIME = timedelta(days=366)
_NOT_EDITABLE = frozenset({"genesis_pot"})  # it was minted already
_A_NUMBER, _A_WHOLE_NUMBER = "Write a number like 0.125.", "Write a whole number."
_FAULT_MESSAGES = {
    "float_type": _A_NUMBER,
    "float_parsing": _A_NUMBER,
    "int_type": _A_WHOLE_NUMBER,
    "int_parsing": _A_WHOLE_NUMBER,
    "int_from_float": _A_WHOLE_NUMBER,
    "less_than_equal": "Write {le} at most.",
    "greater_than_equal": "Write {ge} at least.",
    "greater_than": "Write more than {gt}.",
}


class VersionNotFound(NotFound):
    code = "policy_version_not_found"


class AlreadyDecided(Conflict):
    code = "policy_version_decided"


class OutdatedProposal(Conflict):
    """Another version was approved since: the shown changes are outdated."""

    code = "policy_version_outdated"


class BadNumbers(Invalid):
    code = "bad_numbers"


@dataclass(frozen=True, slots=True)
class Change:
    """A number that differs between two versions."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class ProjectedWeek:
    """A future week, if as much POT leaves supply as lately and every budget is spent."""

    week: int
    supply: int
    treasury: int
    minted: int
    award_budget: int


def versions(db: Session, limit: int = 50) -> Sequence[PotPolicyVersion]:
    """Policy versions, the newest first."""
    return db.scalars(
        select(PotPolicyVersion).order_by(PotPolicyVersion.id.desc()).limit(limit)
    ).all()


def changes(before: Numbers, after: Numbers) -> list[Change]:
    """The difference between two sets of numbers."""
    earlier, later = before.model_dump(), after.model_dump()
    return [
        Change(name, earlier[name], later[name]) for name in later if later[name] != earlier[name]
    ]


def edited(numbers: Numbers, edits: Mapping[str, object]) -> Numbers:
    """The numbers with `edits` applied. Raises BadNumbers with a field error for each fault."""
    wrong = [
        FieldError(name, "This number cannot be edited.")
        for name in edits
        if name not in Numbers.model_fields or name in _NOT_EDITABLE
    ]
    if wrong:
        raise BadNumbers("The policy has no such number to edit.", fields=tuple(wrong))
    try:
        return Numbers.model_validate({**numbers.model_dump(), **edits})
    except ValidationError as error:
        faults = [
            FieldError(".".join(map(str, fault["loc"])), _fault_message(fault))
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise BadNumbers("These numbers cannot be.", fields=tuple(faults)) from None


def _fault_message(fault: Mapping[str, Any]) -> str:
    template = _FAULT_MESSAGES.get(fault["type"])
    if template is None:
        return str(fault["msg"])
    bounds = fault.get("ctx", {})
    return template.format(**{name: formats.exact(bound) for name, bound in bounds.items()})


def basis(db: Session) -> Numbers:
    """The numbers that a change starts from: the newest approved ones, in effect or not yet."""
    newest = _newest_approved(db)
    return Numbers.model_validate(newest.numbers) if newest else Numbers()


def propose(
    db: Session, *, operator_id: int, edits: Mapping[str, object], reason: str
) -> PotPolicyVersion:
    """Propose new numbers for another operator's approval; nothing changes yet.

    Idempotent: an equal proposal of the same operator that can still be approved is returned
    instead. Raises OperatorsOnly, BadNumbers, or Invalid for a reason.
    """
    message = f"Say why, in up to {MAX_REASON_CHARACTERS} characters."
    checked_reason = checked_words(reason, "reason", message, MAX_REASON_CHARACTERS)
    with atomic(db):
        require_operator(db, operator_id)
        lock_people(db, {operator_id})  # serialises an operator's forms: the second sees the first
        before = basis(db)
        numbers = edited(before, edits)
        if numbers == before:
            raise BadNumbers("These are the numbers already: nothing would change.")
        existing = _equal_proposal(db, operator_id, numbers, checked_reason)
        if existing is not None:
            return existing
        proposed = PotPolicyVersion(
            numbers=numbers.model_dump(),
            reason=checked_reason,
            proposed_by=operator_id,
            proposed_at=clock.now(),
        )
        db.add(proposed)
        db.flush()
        record("propose_policy", operator_id, version_id=proposed.id)
    return proposed


def approve(
    db: Session, version_id: int, *, operator_id: int, effective_at: datetime | None = None
) -> PotPolicyVersion:
    """Approve a proposal, in effect now or later, but not before the newest approved version.

    Raises VersionNotFound, AlreadyDecided, SecondPersonNeeded, OutdatedProposal, BadNumbers.
    """
    with atomic(db):
        version = _locked_proposal(db, version_id, operator_id)
        present = clock.now()
        moment = effective_at or present
        if moment < present:
            raise BadNumbers("A policy comes into effect now or later, never in the past.")
        if moment > present + MAX_LEAD_TIME:  # it would block all other versions until then
            raise BadNumbers("Choose a day of the next twelve months.")
        if _is_outdated(db, version):
            raise OutdatedProposal(
                "Another version was approved since this was proposed. Propose it anew."
            )
        newest = _newest_approved(db)
        if newest is not None and newest.effective_at is not None and newest.effective_at > moment:
            raise BadNumbers(
                f"Version {newest.id} comes into effect on {formats.long_day(newest.effective_at)}:"
                " this one cannot before it."
            )
        version.effective_at = moment
        decide(
            db,
            version,
            ProposalStatus.APPROVED,
            operator_id,
            act="policy_approved",
            version_id=version.id,
        )
    return version


def reject(db: Session, version_id: int, *, operator_id: int) -> PotPolicyVersion:
    """Reject a proposal. Its proposer asks another operator to withdraw it."""
    with atomic(db):
        version = _locked_proposal(db, version_id, operator_id)
        decide(
            db,
            version,
            ProposalStatus.REJECTED,
            operator_id,
            act="policy_rejected",
            version_id=version.id,
        )
    return version


def projection(db: Session, numbers: Numbers, weeks: int = 52) -> list[ProjectedWeek]:
    """The coming weeks as the controller would decide them with these numbers."""
    run, current_supply = policy.last_run(db), policy.supply(db)
    leaving = float(run.inputs["leaving"]) if run else 0.0
    elapsed = float(run.inputs["weeks"]) if run else 0.0
    budget = run.award_budget if run else numbers.first_weekly_budget
    growth = controller.weekly_growth(numbers.yearly_growth)
    total, treasury = current_supply.total, current_supply.treasury
    projected = []
    for week in range(1, weeks + 1):
        target = controller.target_supply(
            numbers.genesis_pot, numbers.yearly_growth, elapsed + week
        )
        minted = controller.mint(
            supply=total,
            leaving=leaving,
            growth=growth,
            target=target,
            correction_weeks=numbers.correction_weeks,
        )
        budget = controller.award_budget(
            leaving=leaving,
            treasury=treasury,
            previous=budget,
            treasury_share=numbers.treasury_share,
            smallest_step=numbers.smallest_step,
            largest_step=numbers.largest_step,
            monthly_cap=numbers.monthly_award_cap,
        )
        total += minted - round(leaving)
        treasury += minted - budget
        projected.append(ProjectedWeek(week, total, treasury, minted, budget))
    return projected


def _newest_approved(db: Session) -> PotPolicyVersion | None:
    """The approved version with the latest start, in effect or not yet; None before genesis."""
    approved = select(PotPolicyVersion).where(PotPolicyVersion.status == ProposalStatus.APPROVED)
    latest = approved.order_by(PotPolicyVersion.effective_at.desc(), PotPolicyVersion.id.desc())
    return db.scalar(latest.limit(1))


def _equal_proposal(
    db: Session, operator_id: int, numbers: Numbers, reason: str
) -> PotPolicyVersion | None:
    """An equal, undecided proposal of this operator that can still be approved."""
    waiting = select(PotPolicyVersion).filter_by(
        status=ProposalStatus.PROPOSED, proposed_by=operator_id, reason=reason
    )
    equal = (
        version
        for version in db.scalars(waiting)
        if Numbers.model_validate(version.numbers) == numbers and not _is_outdated(db, version)
    )
    return next(equal, None)


def _is_outdated(db: Session, version: PotPolicyVersion) -> bool:
    """Whether another version was approved since this one was proposed."""
    newer = select(PotPolicyVersion.id).where(
        PotPolicyVersion.status == ProposalStatus.APPROVED,
        PotPolicyVersion.decided_at > version.proposed_at,
    )
    return db.scalar(newer.limit(1)) is not None


def _locked_proposal(db: Session, version_id: int, operator_id: int) -> PotPolicyVersion:
    version = locked_row(db, PotPolicyVersion, version_id, operator_id, not_found=_not_found)
    _DECISION.check(version, operator_id)
    return version


def _not_found(version_id: int) -> VersionNotFound:
    return VersionNotFound(f"There is no policy version {version_id}.")


def _already_decided(version: PotPolicyVersion) -> AlreadyDecided:
    return AlreadyDecided(f"Policy version {version.id} is {version.status} already.")


def _own_proposal() -> SecondPersonNeeded:
    return SecondPersonNeeded("Another operator than the one who proposed it must decide.")


_DECISION: Step[PotPolicyVersion] = Step(
    (ProposalStatus.PROPOSED,), _already_decided, {"proposed_by": _own_proposal}
)
