"""The operators' page of awards by hand."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator, ProvedOperator
from imatch.accounts.errors import UserNotFound
from imatch.accounts.models import User
from imatch.accounts.operators import REASON_MAX
from imatch.accounts.queries import people_by_id, person_named
from imatch.core.errors import DomainError, FieldError, Invalid, NotFound
from imatch.pot.awards import grants
from imatch.pot.errors import BadAmount, UnknownEarningCategory
from imatch.pot.rules import EARNINGS
from imatch.web.deps import Db
from imatch.web.forms import go, private_page, whole_number

router = APIRouter(prefix="/console", include_in_schema=False)
GRANTS = "/console/grants"

Text = Annotated[str, Form(max_length=1_000)]


@router.get("/grants")
def grant_list(request: Request, db: Db, operator: CurrentOperator) -> Response:
    """What waits for a second operator, what was decided, and a form to propose more."""
    return _grants(request, db, operator)


@router.post("/grants")
def propose(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    person: Text = "",
    pot: Text = "",
    category: Text = "",
    reason: Text = "",
) -> Response:
    typed = {"person": person, "pot": pot, "category": category, "reason": reason}
    try:
        receiver = _receiver(db, person)
        grants.propose(
            db, receiver.id, whole_number(pot), category, reason, operator_id=operator.id
        )
    except DomainError as refusal:
        return _grants(request, db, operator, error=_at_its_field(refusal), typed=typed)
    return go(GRANTS)


@router.post("/grants/{grant_id:int}/approve")
def approve(request: Request, db: Db, operator: ProvedOperator, grant_id: int) -> Response:
    return _decided(
        request, db, operator, lambda: grants.approve(db, grant_id, operator_id=operator.id)
    )


@router.post("/grants/{grant_id:int}/reject")
def reject(request: Request, db: Db, operator: ProvedOperator, grant_id: int) -> Response:
    return _decided(
        request, db, operator, lambda: grants.reject(db, grant_id, operator_id=operator.id)
    )


def _decided(request: Request, db: Session, operator: User, act: Callable[[], object]) -> Response:
    try:
        act()
    except NotFound:
        raise
    except DomainError as refusal:
        return _grants(request, db, operator, error=refusal)
    return go(GRANTS)


def _grants(
    request: Request,
    db: Session,
    operator: User,
    *,
    error: DomainError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    waiting, decided = grants.proposed(db), grants.decided(db)
    mentioned = {
        user_id
        for grant in (*waiting, *decided)
        for user_id in (grant.user_id, grant.proposed_by, grant.decided_by)
        if user_id is not None
    }
    context = {
        "section": "grants",
        "waiting": waiting,
        "decided": decided,
        "people": people_by_id(db, mentioned),
        "operator_id": operator.id,
        "categories": [(rule.name, rule.title) for rule in EARNINGS],
        "titles": {rule.name: rule.title for rule in EARNINGS},
        "typed": typed or {"person": "", "pot": "", "category": "", "reason": ""},
        "reason_max": REASON_MAX,
    }
    return private_page(request, "pot/awards/grants.html", context, error)


def _receiver(db: Session, written: str) -> User:
    try:
        return person_named(db, written)
    except UserNotFound:
        message = "Nobody has this address or number."
        raise Invalid(message, fields=(FieldError("person", message, "person"),)) from None


def _at_its_field(refusal: DomainError) -> DomainError:
    """Refusals that speak of one field, with its name."""
    field = {BadAmount: "pot", UnknownEarningCategory: "category"}.get(type(refusal))
    if field is None or refusal.fields:
        return refusal
    message = refusal.message if field == "pot" else "Choose what it is for."
    return Invalid(message, fields=(FieldError(field, message, field),))
