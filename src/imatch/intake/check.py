"""The last pages of the intake: safety stop, check of the answers, completion."""

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.status import HTTP_200_OK, HTTP_404_NOT_FOUND

from imatch.categories import forms
from imatch.categories.schemas import CategoryDefinition, Importance
from imatch.core.errors import DomainError
from imatch.intake.deps import OpenCategory, answers_of, people_left
from imatch.matches import service as matches
from imatch.needs import rules, service
from imatch.needs.deps import NeedInCategory
from imatch.needs.models import Need
from imatch.needs.service import NeedAnswers
from imatch.web.deps import Db
from imatch.web.forms import go, private_page

router = APIRouter(prefix="/find/{category}", include_in_schema=False)


@router.get("/stop")
def stop(request: Request, definition: OpenCategory, need: NeedInCategory) -> Response:
    """Show crisis resources instead of people, with a way back after a mistaken tap."""
    screen = rules.safety_stop(definition, answers_of(need)["values"])
    if screen is None:
        return go(f"/find/{definition.name}/check")
    context = {
        "definition": definition,
        "screen": screen,
        "change_path": f"/find/{definition.name}/{rules.page_asking(definition, screen.field)}",
    }
    return private_page(request, "intake/screen.html", context)


@router.get("/check")
def check(request: Request, db: Db, definition: OpenCategory, need: NeedInCategory) -> Response:
    if need is not None and rules.safety_stop(definition, need.answers["values"]):
        return go(f"/find/{definition.name}/stop")
    return _check(request, db, definition, need)


@router.post("/check")
def finish(request: Request, db: Db, definition: OpenCategory, need: NeedInCategory) -> Response:
    """Complete the need, rank providers, and redirect to the matches."""
    if need is None:
        return _check(request, db, definition, need)
    try:
        matches.finish(db, need)
    except service.SafetyStop:
        return go(f"/find/{definition.name}/stop")
    except service.BadAnswers as error:
        return _check(request, db, definition, need, error)
    return go("/matches")


def _check(
    request: Request,
    db: Session,
    definition: CategoryDefinition,
    need: Need | None,
    error: DomainError | None = None,
) -> Response:
    answers = answers_of(need)
    context: dict[str, object] = {
        "definition": definition,
        "need": need,
        "sections": [
            (number, page, [_row(definition, answers, name) for name in page.fields])
            for number, page in enumerate(definition.intake, 1)
        ],
        "notices": rules.notices(definition, answers["values"]),
        "left": people_left(db, definition, answers),
    }
    if error:  # the page shows whole answers, not their controls
        context["errors"] = [(fault.field, fault.message) for fault in error.fields]
    status = HTTP_404_NOT_FOUND if need is None else HTTP_200_OK
    return private_page(request, "intake/check.html", context, error, status=status)


def _row(definition: CategoryDefinition, answers: NeedAnswers, name: str) -> dict[str, str]:
    field = definition.seeker[name]
    value = answers["values"].get(name)
    level = answers["importance"].get(name) if value is not None else None
    return {
        "name": name,
        "label": field.label,
        "words": "" if value is None else forms.describe(definition, field, value),
        "importance": level if level and (field.can_be_must or level == Importance.IGNORE) else "",
    }
