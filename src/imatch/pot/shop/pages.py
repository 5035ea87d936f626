"""The pages to spend POT: choose an option, see price and balances, order."""

import re
import secrets
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentUser
from imatch.accounts.models import User
from imatch.core.errors import DomainError
from imatch.facts.people import Side
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.pot.awards.queries import quickest
from imatch.pot.errors import BadAmount, BadArgument
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDINGS, Delivery, Spending
from imatch.web.deps import Db, OptionName, ShortText
from imatch.web.formats import number
from imatch.web.forms import act_or_show, at_field, go, private_page, whole_number

router = APIRouter(prefix="/wallet/spend", include_in_schema=False)
HOME = "/wallet/spend"
NOTE_MAX = 300
_KEY = re.compile(r"[\w-]{16,64}", re.ASCII)


@router.get("")
def options(request: Request, db: Db, user: CurrentUser) -> Response:
    """All options: those for this user, those for others, and those not offered yet."""
    context = {
        "free": free(db, POT, user.id),
        "suitable": [option for option in shop.offered() if _is_for(option, user)],
        "others": [option for option in shop.offered() if not _is_for(option, user)],
        "later": [option for option in SPENDINGS if not option.offered],
    }
    return private_page(request, "pot/shop/spend.html", context)


@router.get("/{option}")
def choose(
    request: Request,
    db: Db,
    user: CurrentUser,
    option: OptionName,
    key: str = "",
    amount: str = "",
) -> Response:
    """Ask for an open price first; then show price and balances before the order.

    The idempotency key is part of the address, so that the Back button repeats the same order.
    """
    spending = shop.option_named(option)
    if spending.bought_at:
        return go(spending.bought_at)
    if not _KEY.fullmatch(key):
        query = {"key": secrets.token_urlsafe(16)} | ({"amount": amount} if amount else {})
        return go(f"{HOME}/{option}?{urlencode(query)}")
    purchase = shop_queries.bought(db, user.id, _page_key(key))
    if purchase is not None:
        return go(f"/wallet?bought={purchase.id}")
    typed = {"amount": amount, "note": "", "renews": ""}
    if spending.most is not None and not amount:
        return _form(request, db, user, spending, key, typed)
    price = whole_number(amount) if spending.most is not None else spending.pot
    if not spending.price_allows(price):
        return _form(request, db, user, spending, key, typed, error=_price_error(spending))
    return _form(request, db, user, spending, key, typed, price=price)


@router.post("/{option}")
def buy(
    request: Request,
    db: Db,
    user: CurrentUser,
    option: OptionName,
    key: ShortText = "",
    amount: ShortText = "",
    note: ShortText = "",
    renews: ShortText = "",
) -> Response:
    """Place the order. Idempotent by `key`."""
    spending = shop.option_named(option)
    if spending.bought_at:
        raise shop.BoughtElsewhere(f"{spending.title} is bought where it takes effect.")
    if not _KEY.fullmatch(key):
        raise BadArgument("Open the page of what you want to buy, and order it there.")
    is_open = spending.most is not None
    price = whole_number(amount) if amount or is_open else spending.pot
    typed = {"amount": amount, "note": note, "renews": renews}
    if not spending.price_allows(price):
        shown = None if is_open else spending.pot
        error = _price_error(spending)
        return _form(request, db, user, spending, key, typed, price=shown, error=error)
    return act_or_show(
        lambda: shop.buy(
            db,
            user.id,
            option,
            key=_page_key(key),
            amount=price,
            note=note,
            renews=renews == "yes",
        ),
        show=lambda error: _form(request, db, user, spending, key, typed, price=price, error=error),
        then=lambda purchase: go(f"/wallet?bought={purchase.id}"),
    )


def _form(
    request: Request,
    db: Session,
    user: User,
    spending: Spending,
    key: str,
    typed: dict[str, str],
    *,
    price: int | None = None,
    error: DomainError | None = None,
) -> Response:
    """The order form; without a price it asks for one."""
    free_pot = free(db, POT, user.id)
    missing = max((spending.pot if price is None else price) - free_pot, 0)
    context = {
        "option": spending,
        "key": key,
        "price": price,
        "free": free_pot,
        "missing": missing,
        "quickest": quickest(db, user) if missing else (),
        "ordered": spending.delivery is Delivery.ORDER,
        "can_renew": spending.delivery is Delivery.SPAN,
        "typed": typed,
        "note_max": NOTE_MAX,
    }
    return private_page(request, "pot/shop/spend_option.html", context, error)


def _price_error(spending: Spending) -> DomainError:
    if spending.most is None:
        return shop.WrongPrice(f"The price is {number(spending.pot)} POT now.")
    lowest, highest = number(spending.pot), number(spending.most or spending.pot)
    message = f"Write a whole number of POT from {lowest} to {highest}."
    return at_field(BadAmount(message), "amount")


def _page_key(key: str) -> str:
    return f"page:{key}"


def _is_for(option: Spending, person: User) -> bool:
    return not option.for_providers or Side.PROVIDER in person.account_type.sides
