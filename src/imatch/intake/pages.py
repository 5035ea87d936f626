"""The intake's questions, one a page: store answers, count who is left, relax rules.

They are not in `needs`, because every page needs the ranking pools for its count.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.status import HTTP_200_OK, HTTP_404_NOT_FOUND

from imatch.categories import forms, places
from imatch.categories.deps import InForce
from imatch.categories.form_view import FormView
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Importance, Kind
from imatch.core.database import atomic
from imatch.core.errors import DomainError, FieldError
from imatch.intake.deps import (
    CategoryClosed,
    OpenCategory,
    answers_of,
    open_category,
    people_left,
)
from imatch.intake.home import open_categories
from imatch.needs import rules, service
from imatch.needs.deps import CurrentVisitor, NeedInCategory, Visitor, set_need_cookie
from imatch.needs.models import Need
from imatch.web.deps import Db, PostedForm
from imatch.web.forms import go, private_page
from imatch.web.rendering import render

router = APIRouter(include_in_schema=False)
walk = APIRouter(prefix="/find/{category}", include_in_schema=False)


@router.get("/find")
async def choose(
    request: Request, categories: InForce, category: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Redirect to the first question, or show the open categories to choose from."""
    closed = ""
    if category:
        try:
            return go(f"/find/{open_category(categories, category).name}/1")
        except CategoryClosed as error:
            closed = error.message
    context = {"categories": open_categories(categories), "closed": closed}
    return render(
        request, "intake/choose.html", context, status=HTTP_404_NOT_FOUND if closed else HTTP_200_OK
    )


@walk.post("/start")
def start_over(db: Db, definition: OpenCategory, visitor: CurrentVisitor) -> Response:
    """Begin a new need; an earlier one of an account stays with the account."""
    user, address = visitor.user, visitor.address
    _need, token = service.start(db, definition.name, user=user, address=address)
    return set_need_cookie(go(f"/find/{definition.name}/1"), token)


# ---- one question ----


@walk.get("/{number:int}")
def question(
    request: Request,
    db: Db,
    definition: OpenCategory,
    number: int,
    need: NeedInCategory,
    then: Annotated[str, Query(alias="next", max_length=20)] = "",
) -> Response:
    asked = service.intake_page(definition, number)
    if _stands_still(definition, need, number):
        return go(f"/find/{definition.name}/stop")
    answers = answers_of(need)
    fields = {name: definition.seeker[name] for name in asked.fields}
    controls = forms.form_values(fields, answers["values"])
    form = FormView(definition, fields, controls, answers["importance"])
    return _question(request, db, _Asked(form, number, need, then))


@walk.post("/{number:int}")
def answer(
    request: Request,
    db: Db,
    definition: OpenCategory,
    number: int,
    need: NeedInCategory,
    visitor: CurrentVisitor,
    raw: PostedForm,
) -> Response:
    """Store the answers and go on. Invalid ones are shown again with errors; nothing is stored."""
    posted = _Posted.read(definition, number, raw)
    if _stands_still(definition, need, number):
        return go(f"/find/{definition.name}/stop")
    try:
        kept, token = _keep(db, definition, number, need, posted, visitor)
    except service.BadAnswers as error:
        form = posted.form(definition, error.fields)
        return _question(request, db, _Asked(form, number, need, posted.then), error)
    response = go(_path_after(definition, number, kept, posted))
    return set_need_cookie(response, token) if token else response


@walk.post("/{number:int}/count")
def count(
    request: Request,
    db: Db,
    definition: OpenCategory,
    number: int,
    need: NeedInCategory,
    raw: PostedForm,
) -> Response:
    """The live count for the form's present values; stores nothing.

    A POST, because addresses are logged on the way and these answers are nobody's business.
    """
    posted = _Posted.read(definition, number, raw)
    page = service.intake_page(definition, number)
    answers = answers_of(need)
    try:
        new = service.checked_page(definition, number, posted.values, posted.importance)
        answers = rules.merged(page, answers, new, posted.relaxed)
    except service.BadAnswers:
        pass  # half-typed: count what is known
    left = people_left(db, definition, answers, page)
    context = {"left": left, "definition": definition, "number": number, "live": True}
    return private_page(request, "intake/people_left.html", context)


@walk.get("/{number:int}/relax")
def relaxed(definition: OpenCategory, number: int) -> Response:
    """Where a reload leads after an invalid answer was sent with the tap."""
    return go(f"/find/{definition.name}/{number}")


@walk.post("/{number:int}/relax")
def relax(
    request: Request,
    db: Db,
    definition: OpenCategory,
    number: int,
    need: NeedInCategory,
    visitor: CurrentVisitor,
    raw: PostedForm,
) -> Response:
    """Store the page's answers and relax one rule, in one tap."""
    posted = _Posted.read(definition, number, raw)
    try:
        with atomic(db):  # a rule that cannot be given up leaves the page as it was
            kept, token = _keep(db, definition, number, need, posted, visitor)
            service.relax(db, kept, next(iter(raw.get("relax", [])), ""))
    except service.BadAnswers as error:
        form = posted.form(definition, error.fields)
        return _question(request, db, _Asked(form, number, need, posted.then), error)
    query = "?next=check" if posted.then == "check" else ""
    response = go(f"/find/{definition.name}/{number}{query}")
    return set_need_cookie(response, token) if token else response


@dataclass(frozen=True, slots=True)
class _Posted:
    """A submitted question page."""

    number: int
    raw: dict[str, list[str]]
    values: dict[str, Any]
    importance: dict[str, str]
    relaxed: list[str]  # fields whose relaxed rule stays relaxed
    then: str

    @classmethod
    def read(
        cls, definition: CategoryDefinition, number: int, raw: dict[str, list[str]]
    ) -> "_Posted":
        fields = _fields(definition, number)
        wishes = {
            name: ["yes" if level in {Importance.MUST, Importance.PREFER} else ""]
            for name, field in fields.items()
            if field.kind is Kind.YES_NO and field.can_be_must and name not in raw
            # A wish is one question: who marks it a must or preferred says yes.
            for level in raw.get(f"importance.{name}", [])[:1]
        }
        raw = raw | wishes | _countries_of_states(fields, raw)
        return cls(
            number=number,
            raw=raw,
            values=forms.parse_form(definition, fields, fields, raw),
            importance=forms.parse_importance(fields, raw),
            relaxed=raw.get("relaxed", []),
            then=next(iter(raw.get("next", [])), ""),
        )

    def form(self, definition: CategoryDefinition, errors: tuple[FieldError, ...]) -> FormView:
        """The form with its values as typed and their errors."""
        fields = _fields(definition, self.number)
        return FormView(definition, fields, self.raw, self.importance, errors)


def _fields(definition: CategoryDefinition, number: int) -> dict[str, FieldDefinition]:
    page = service.intake_page(definition, number)
    return {name: definition.seeker[name] for name in page.fields}


def _countries_of_states(
    fields: dict[str, FieldDefinition], raw: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Fill in the United States if only one of its states was named."""
    countries = {}
    for name, field in fields.items():
        region = next(iter(raw.get(f"{name}.region", [])), "")
        named = any(raw.get(f"{name}.country", []))
        if field.kind is Kind.PLACE and not named and places.us_state_code(region):
            countries[f"{name}.country"] = ["US"]
    return countries


def _keep(
    db: Session,
    definition: CategoryDefinition,
    number: int,
    need: Need | None,
    posted: _Posted,
    visitor: Visitor,
) -> tuple[Need, str]:
    """Store this page's answers. Returns the need, and the token if the need is new."""
    values, importance, user = posted.values, posted.importance, visitor.user
    if need is None:
        return service.start_with(
            db, definition.name, number, values, importance, user=user, address=visitor.address
        )
    service.answer(db, need, number, values, importance, still_relaxed=posted.relaxed)
    if user is not None and need.user_id is None:
        service.claim(db, need, user)  # begun before they signed in
    return need, ""


def _path_after(definition: CategoryDefinition, number: int, need: Need, posted: _Posted) -> str:
    if rules.safety_stop(definition, need.answers["values"]):
        return f"/find/{definition.name}/stop"
    if posted.then == "check" or number == len(definition.intake):
        return f"/find/{definition.name}/check"
    return f"/find/{definition.name}/{number + 1}"


def _stands_still(definition: CategoryDefinition, need: Need | None, number: int) -> bool:
    """Whether a safety screen blocks this page."""
    screen = rules.safety_stop(definition, answers_of(need)["values"])
    return screen is not None and number > rules.page_asking(definition, screen.field)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question's form and its need."""

    form: FormView
    number: int
    need: Need | None
    then: str


def _question(
    request: Request, db: Session, asked: _Asked, error: DomainError | None = None
) -> Response:
    definition, number = asked.form.definition, asked.number
    page = service.intake_page(definition, number)
    changing = asked.then == "check"
    answers = answers_of(asked.need)
    relaxed = [
        name
        for name in page.fields
        if answers["importance"].get(name) == Importance.IGNORE
        and not definition.seeker[name].can_be_must
    ]
    following = number + 1 if number < len(definition.intake) else "check"
    context = {
        "definition": definition,
        "number": number,
        "total": len(definition.intake),
        "page": page,
        "form": asked.form,
        "relaxed": relaxed,
        "may_skip": rules.may_skip(definition, page) and not changing,
        "has_need": asked.need is not None,
        "changing": changing,
        "skip_path": f"/find/{definition.name}/{following}",
        "left": people_left(db, definition, answers, page),
    }
    return private_page(request, "intake/question.html", context, error)
