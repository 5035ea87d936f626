"""The operators' page of grants."""

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator, SteppedUpOperator
from imatch.accounts.errors import UserNotFound
from imatch.accounts.models import User
from imatch.accounts.operators import REASON_MAX_CHARACTERS
from imatch.accounts.queries import user_by_id_or_email, users_by_id
from imatch.core.errors import DomainError, Invalid
from imatch.pot.awards import grants
from imatch.pot.errors import BadAmount, UnknownEarningCategory
from imatch.pot.rules import EARNINGS
from imatch.web.deps import Db, ShortText
from imatch.web.forms import act_or_show, at_field, private_page, whole_number

router = APIRouter(prefix="/console", include_in_schema=False)
GRANTS = "/console/grants"


@router.get("/grants")
def grant_list(request: Request, db: Db, operator: CurrentOperator) -> Response:
    """Proposed and decided grants, and a form to propose one."""
    return _grants(request, db, operator)


@router.post("/grants")
def propose(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    person: ShortText = "",
    pot: ShortText = "",
    category: ShortText = "",
    reason: ShortText = "",
) -> Response:
    typed = {"person": person, "pot": pot, "category": category, "reason": reason}

    def act() -> None:
        try:
            receiver = user_by_id_or_email(db, person)
            grants.propose(
                db, receiver.id, whole_number(pot), category, reason, operator_id=operator.id
            )
        except UserNotFound:
            raise at_field(Invalid("Nobody has this address or number."), "person") from None

    return act_or_show(
        act,
        show=lambda error: _grants(request, db, operator, _at_its_field(error), typed=typed),
        then=GRANTS,
    )


@router.post("/grants/{grant_id:int}/approve")
def approve(request: Request, db: Db, operator: SteppedUpOperator, grant_id: int) -> Response:
    return act_or_show(
        lambda: grants.approve(db, grant_id, operator_id=operator.id),
        show=lambda error: _grants(request, db, operator, error),
        then=GRANTS,
    )


@router.post("/grants/{grant_id:int}/reject")
def reject(request: Request, db: Db, operator: SteppedUpOperator, grant_id: int) -> Response:
    return act_or_show(
        lambda: grants.reject(db, grant_id, operator_id=operator.id),
        show=lambda error: _grants(request, db, operator, error),
        then=GRANTS,
    )


def _grants(
    request: Request,
    db: Session,
    operator: User,
    error: DomainError | None = None,
    *,
    typed: dict[str, str] | None = None,
) -> Response:
    proposed, decided = grants.proposed(db), grants.decided(db)
    user_ids = {
        user_id
        for grant in (*proposed, *decided)
        for user_id in (grant.user_id, grant.proposed_by, grant.decided_by)
        if user_id is not None
    }
    context = {
        "section": "grants",
        "waiting": proposed,
        "decided": decided,
        "people": users_by_id(db, user_ids),
        "operator_id": operator.id,
        "categories": [(rule.name, rule.title) for rule in EARNINGS],
        "titles": {rule.name: rule.title for rule in EARNINGS},
        "typed": typed or {"person": "", "pot": "", "category": "", "reason": ""},
        "reason_max": REASON_MAX_CHARACTERS,
    }
    return private_page(request, "pot/awards/grants.html", context, error)


def _at_its_field(error: DomainError) -> DomainError:
    """The error, attached to the form field that it is about."""
    if isinstance(error, BadAmount):
        return at_field(error, "pot")
    if isinstance(error, UnknownEarningCategory):
        return at_field(Invalid("Choose what it is for."), "category")
    return error
