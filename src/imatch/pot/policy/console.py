"""The operators' policy page: the numbers in effect, weekly decisions and proposals."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator, SteppedUpOperator
from imatch.accounts.models import User
from imatch.core.clock import today
from imatch.core.errors import DomainError
from imatch.pot.models import ProposalStatus
from imatch.pot.policy import service as policy
from imatch.pot.policy import versions as policy_versions
from imatch.pot.policy import weeks_view as policy_weeks
from imatch.pot.policy.models import PotPolicyVersion
from imatch.pot.policy.service import Numbers
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, at_field, private_csv, private_page

router = APIRouter(prefix="/console/policy", include_in_schema=False)
HOME = "/console/policy"
_MAX_VERSIONS_SHOWN = 50
_SHOWN_WEEKS = (4, 13, 26, 52)
# genesis_pot is shown only: it was minted already.
_EDITABLE = [name for name in Numbers.model_fields if name != "genesis_pot"]

PolicyText = Annotated[str, Form(max_length=10_000)]  # shorter texts get an error at their field


@router.get("")
def overview(request: Request, db: Db, operator: CurrentOperator) -> Response:
    """The weekly decisions, the numbers, open proposals and past versions."""
    return _page(request, db, operator)


@router.get("/weeks.csv")
def weeks_csv(db: Db, _operator: CurrentOperator) -> Response:
    """The weeks of the page as CSV, with every stored input."""
    rows = [policy_weeks.csv_row(week) for week in policy_weeks.weeks(db)]
    name = f"policy-weeks-{today().isoformat()}.csv"
    return private_csv([policy_weeks.CSV_HEADS, *rows], name)


@router.post("/check")
def check(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    name: PolicyText = "",
    value: PolicyText = "",
    reason: PolicyText = "",
) -> Response:
    """Preview the effect of a change before it is proposed."""
    typed = {"name": name, "value": value, "reason": reason}
    return act_or_show(
        lambda: policy_versions.edited(policy_versions.basis(db), _edits(name, value)),
        show=lambda error: _page(request, db, operator, _at_the_form(error, name), typed=typed),
        then=lambda numbers: _page(request, db, operator, typed=typed, checked=numbers),
    )


@router.post("")
def propose(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    name: PolicyText = "",
    value: PolicyText = "",
    reason: PolicyText = "",
) -> Response:
    """Propose the change to another operator."""
    typed = {"name": name, "value": value, "reason": reason}
    return act_or_show(
        lambda: policy_versions.propose(
            db, operator_id=operator.id, edits=_edits(name, value), reason=reason
        ),
        show=lambda error: _page(request, db, operator, _at_the_form(error, name), typed=typed),
        then=HOME,
    )


@router.post("/{version_id:int}/approve")
def approve(
    request: Request, db: Db, operator: SteppedUpOperator, version_id: int, on: PolicyText = ""
) -> Response:
    """Approve a version, in effect from the start of a day in UTC, or at once."""

    def show(error: DomainError) -> Response:
        if isinstance(error, policy_versions.BadNumbers):  # only the day can be wrong here
            error = at_field(error, f"on-{version_id}")
        return _page(request, db, operator, error)

    return act_or_show(
        lambda: policy_versions.approve(
            db, version_id, operator_id=operator.id, effective_at=_beginning(on)
        ),
        show=show,
        then=HOME,
    )


@router.post("/{version_id:int}/reject")
def reject(request: Request, db: Db, operator: SteppedUpOperator, version_id: int) -> Response:
    return act_or_show(
        lambda: policy_versions.reject(db, version_id, operator_id=operator.id),
        show=lambda error: _page(request, db, operator, error),
        then=HOME,
    )


def _page(
    request: Request,
    db: Session,
    operator: User,
    error: DomainError | None = None,
    *,
    typed: Mapping[str, str] | None = None,
    checked: Numbers | None = None,
) -> Response:
    before = policy_versions.basis(db)
    versions = policy_versions.versions(db, _MAX_VERSIONS_SHOWN)
    proposals = [
        (version, policy_versions.changes(before, after), _effect(db, before, after))
        for version in versions
        if version.status == ProposalStatus.PROPOSED
        for after in (Numbers.model_validate(version.numbers),)
    ]
    context = {
        "section": "policy",
        "numbers": policy.current(db).model_dump(),
        "editable": _EDITABLE,
        "budget": policy.budget(db),
        **_weeks(db),
        "waiting": proposals,
        "decided": [version for version in versions if version.status != ProposalStatus.PROPOSED],
        "people": _people(db, versions),
        "operator_id": operator.id,
        "typed": typed or {"name": "", "value": "", "reason": ""},
        "changes": policy_versions.changes(before, checked) if checked else [],
        "effect": _effect(db, before, checked) if checked else [],
        "reason_max": policy_versions.MAX_REASON_CHARACTERS,
    }
    return private_page(request, "pot/policy/policy.html", context, error)


def _weeks(db: Session) -> dict[str, object]:
    shown = policy_weeks.weeks(db)
    return {
        "weeks": shown,
        "week_words": policy_weeks.summaries(shown),
        "outlook": policy_weeks.outlook(db),
    }


def _effect(
    db: Session, before: Numbers, after: Numbers
) -> list[tuple[policy_versions.ProjectedWeek, policy_versions.ProjectedWeek]]:
    """Pairs of projected weeks, before and after the change, for _SHOWN_WEEKS."""
    paths = (policy_versions.projection(db, numbers) for numbers in (before, after))
    return [pair for pair in zip(*paths, strict=True) if pair[0].week in _SHOWN_WEEKS]


def _people(db: Session, versions: Sequence[PotPolicyVersion]) -> dict[int, str]:
    ids = {id_ for row in versions for id_ in (row.proposed_by, row.decided_by) if id_}
    rows = db.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _beginning(text: str) -> datetime | None:
    """The start of a future day in UTC; None for today or an empty text. Raises BadNumbers."""
    try:
        day = date.fromisoformat(text.strip()) if text.strip() else today()
    except ValueError:
        raise policy_versions.BadNumbers("Write a date like 2026-11-30.") from None
    return None if day == today() else datetime.combine(day, time(), UTC)


def _edits(name: str, text: str) -> dict[str, str | None]:
    """The typed number as an edit; "none" removes a limit. Raises BadNumbers."""
    if name not in _EDITABLE:
        error = policy_versions.BadNumbers("Choose the number that should change.")
        raise at_field(error, "name")
    value = text.strip().replace(",", "")
    return {name: None if value.lower() == "none" else value}


def _at_the_form(error: DomainError, name: str) -> DomainError:
    """The error, with each field error at its control: "name", "value" or "reason"."""

    def control(field: str) -> str:
        if field == "reason":
            return field
        return "value" if field == name and name in _EDITABLE else "name"

    error.fields = tuple(replace(fault, control_id=control(fault.field)) for fault in error.fields)
    return error
