"""The operators' page of orders to deliver."""

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator
from imatch.accounts.operators import REASON_MAX_CHARACTERS, record
from imatch.accounts.queries import users_by_id
from imatch.core.errors import DomainError
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME
from imatch.web.deps import Db, ShortText
from imatch.web.forms import act_or_show, private_page

router = APIRouter(prefix="/console", include_in_schema=False)
ORDERS = "/console/orders"
ROWS = 200


@router.get("/orders")
def orders(request: Request, db: Db, _operator: CurrentOperator) -> Response:
    """The orders to deliver, the most urgent first."""
    return _orders(request, db)


@router.post("/orders/{purchase_id:int}/deliver")
def deliver(
    request: Request, db: Db, operator: CurrentOperator, purchase_id: int, note: ShortText = ""
) -> Response:
    """Mark an order as delivered: burns the held POT and mails the note to the buyer."""

    def act() -> None:
        shop.deliver(db, purchase_id, note=note)
        record("deliver_order", operator.id, purchase_id=purchase_id)

    return act_or_show(act, show=lambda error: _orders(request, db, error), then=ORDERS)


@router.post("/orders/{purchase_id:int}/cancel")
def cancel(request: Request, db: Db, operator: CurrentOperator, purchase_id: int) -> Response:
    """Cancel an order that cannot be delivered: releases the held POT."""

    def act() -> None:
        shop.cancel(db, purchase_id)
        record("cancel_order", operator.id, purchase_id=purchase_id)

    return act_or_show(act, show=lambda error: _orders(request, db, error), then=ORDERS)


def _orders(request: Request, db: Session, error: DomainError | None = None) -> Response:
    waiting = shop_queries.open_orders(db, ROWS)
    context = {
        "section": "orders",
        "orders": waiting,
        "people": users_by_id(db, {order.user_id for order in waiting}),
        "options": SPENDING_BY_NAME,
        "note_max": REASON_MAX_CHARACTERS,
        "shown": ROWS,
    }
    return private_page(request, "pot/shop/orders.html", context, error)
