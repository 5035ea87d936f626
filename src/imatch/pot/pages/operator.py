"""The operators' pages for orders to deliver and for awards by hand."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator
from imatch.accounts.models import User
from imatch.core.errors import DomainError, FieldError, Invalid, NotFound
from imatch.pot import grants, queries, shop
from imatch.pot.errors import BadAmount, UnknownEarningCategory, UserNotFound
from imatch.pot.operator_acts import REASON_MAX, record
from imatch.pot.pages.private import go, private_page, whole_number
from imatch.pot.pages.redemption_queue import ProvedOperator
from imatch.pot.rules import EARNINGS, SPENDING_BY_NAME
from imatch.web.deps import Db

router = APIRouter(prefix="/console", include_in_schema=False)
ORDERS = "/console/orders"
GRANTS = "/console/grants"
ROWS = 200

Text = Annotated[str, Form(max_length=1_000)]


@router.get("/orders")
def orders(request: Request, db: Db, _operator: CurrentOperator) -> Response:
    """What was bought and waits for somebody to do it, the most urgent first."""
    return _orders(request, db)


@router.post("/orders/{purchase_id:int}/deliver")
def deliver(
    request: Request, db: Db, operator: CurrentOperator, purchase_id: int, note: Text = ""
) -> Response:
    """It is done: the held POT is burned, and the buyer reads the note."""

    def act() -> None:
        shop.deliver(db, purchase_id, note=note)
        record("deliver_order", operator.id, purchase_id=purchase_id)

    return _settled(request, db, act)


@router.post("/orders/{purchase_id:int}/cancel")
def cancel(request: Request, db: Db, operator: CurrentOperator, purchase_id: int) -> Response:
    """It cannot be done: the POT are their owner's again."""

    def act() -> None:
        shop.cancel(db, purchase_id)
        record("cancel_order", operator.id, purchase_id=purchase_id)

    return _settled(request, db, act)


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


def _settled(request: Request, db: Session, act: Callable[[], None]) -> Response:
    try:
        act()
    except NotFound:
        raise
    except DomainError as refusal:
        return _orders(request, db, refusal)
    return go(ORDERS)


def _decided(request: Request, db: Session, operator: User, act: Callable[[], object]) -> Response:
    try:
        act()
    except NotFound:
        raise
    except DomainError as refusal:
        return _grants(request, db, operator, error=refusal)
    return go(GRANTS)


def _orders(request: Request, db: Session, error: DomainError | None = None) -> Response:
    waiting = shop.open_orders(db, ROWS)
    context = {
        "section": "orders",
        "orders": waiting,
        "people": _people(db, {order.user_id for order in waiting}),
        "options": SPENDING_BY_NAME,
        "note_max": REASON_MAX,
        "shown": ROWS,
    }
    return private_page(request, "console/orders.html", context, error)


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
        "people": _people(db, mentioned),
        "operator_id": operator.id,
        "categories": [(rule.name, rule.title) for rule in EARNINGS],
        "titles": {rule.name: rule.title for rule in EARNINGS},
        "typed": typed or {"person": "", "pot": "", "category": "", "reason": ""},
        "reason_max": REASON_MAX,
    }
    return private_page(request, "console/grants.html", context, error)


def _people(db: Session, user_ids: set[int]) -> dict[int, User]:
    found = db.scalars(select(User).where(User.id.in_(user_ids)))
    return {person.id: person for person in found}


def _receiver(db: Session, written: str) -> User:
    try:
        return queries.person_named(db, written)
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
