"""The operators' page of the economy's numbers: what is in effect, and how it is changed."""

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
VERSIONS = 50
_SHOWN_WEEKS = (4, 13, 26, 52)
# genesis_pot was minted; it is shown, not edited.
_EDITABLE = [name for name in Numbers.model_fields if name != "genesis_pot"]

PolicyText = Annotated[str, Form(max_length=10_000)]  # shorter ones are refused beside their field


@router.get("")
def overview(request: Request, db: Db, operator: CurrentOperator) -> Response:
    """The weeks' decisions, the numbers, proposals that wait, and every version so far."""
    return _page(request, db, operator)


@router.get("/weeks.csv")
def weeks_csv(db: Db, _operator: CurrentOperator) -> Response:
    """The weeks that the page shows, with every figure that was logged."""
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
    """What a change would do, before it is proposed."""
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
    """File the change for another operator."""
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
    """In effect from the beginning of a day in UTC, or at once."""

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
    versions = policy_versions.versions(db, VERSIONS)
    waiting = [
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
        "waiting": waiting,
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
    """Where both lead, at some weeks of the year to come."""
    paths = (policy_versions.projection(db, numbers) for numbers in (before, after))
    return [pair for pair in zip(*paths, strict=True) if pair[0].week in _SHOWN_WEEKS]


def _people(db: Session, versions: Sequence[PotPolicyVersion]) -> dict[int, str]:
    ids = {one for row in versions for one in (row.proposed_by, row.decided_by) if one}
    found = db.execute(select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in found}


def _beginning(written: str) -> datetime | None:
    """The first moment of a day to come; None for today, or where no day is written."""
    try:
        day = date.fromisoformat(written.strip()) if written.strip() else today()
    except ValueError:
        raise policy_versions.BadNumbers("Write a date like 2026-11-30.") from None
    return None if day == today() else datetime.combine(day, time(), UTC)


def _edits(name: str, written: str) -> dict[str, str | None]:
    """Numbers as people write them; "none" takes a limit away."""
    if name not in _EDITABLE:
        error = policy_versions.BadNumbers("Choose the number that should change.")
        raise at_field(error, "name")
    value = written.strip().replace(",", "")
    return {name: None if value.lower() == "none" else value}


def _at_the_form(error: DomainError, name: str) -> DomainError:
    """The form has one control for the value of whichever number is chosen."""

    def control(field: str) -> str:
        if field == "reason":
            return field
        return "value" if field == name and name in _EDITABLE else "name"

    error.fields = tuple(replace(fault, control_id=control(fault.field)) for fault in error.fields)
    return error
