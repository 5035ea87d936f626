"""Pages of boosts: which run until when, and buying them for a profile."""

import re
import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentUser
from imatch.accounts.models import User
from imatch.core.errors import DomainError
from imatch.core.ids import RowId
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.pot.awards.queries import quickest
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME, Delivery
from imatch.providers import boosts, queries
from imatch.providers.models import Provider
from imatch.providers.service import definition_of
from imatch.web.deps import Db, OptionName, ShortQuery, ShortText
from imatch.web.forms import act_or_show, go, private_page

router = APIRouter(prefix="/pro/boosts", include_in_schema=False)
BOOSTS_PATH = "/pro/boosts"
_KEY = re.compile(r"[\w-]{16,64}", re.ASCII)
_SAVED = {
    "bought": "Bought. Below you see until when it runs.",
    "renews": "It renews when it runs out, if you have the POT then.",
    "ends": "It will not renew. It runs until its last day.",
}

YesOrNo = Annotated[Literal["yes", "no"], Form()]


@router.get("")
def overview(request: Request, db: Db, user: CurrentUser, saved: ShortQuery = "") -> Response:
    """Show each profile's boosts and what it may buy."""
    context = {
        "profile_boosts": boosts.profile_boosts(db, user.id),
        "free": free(db, POT, user.id),
        "saved": _SAVED.get(saved, ""),
    }
    return private_page(request, "providers/boosts.html", context)


@router.post("/purchases/{purchase_id:int}/renewing")
def set_renewing(db: Db, user: CurrentUser, purchase_id: RowId, renews: YesOrNo) -> Response:
    """Switch the renewal of a purchase on or off."""
    if renews == "yes":
        shop.start_renewing(db, purchase_id, user_id=user.id)
        return go(f"{BOOSTS_PATH}?saved=renews")
    shop.stop_renewing(db, purchase_id, user_id=user.id)
    return go(f"{BOOSTS_PATH}?saved=ends")


@router.get("/{category}/{option}")
def choose(
    request: Request,
    db: Db,
    user: CurrentUser,
    category: OptionName,
    option: OptionName,
    key: ShortQuery = "",
) -> Response:
    """Show what a boost does and costs, with a form to buy it.

    The URL contains the purchase's idempotency key, so that Back leads to the same purchase.
    """
    provider = _profile(db, user, category, option)
    if not _KEY.fullmatch(key):
        return go(f"{BOOSTS_PATH}/{category}/{option}?key={secrets.token_urlsafe(16)}")
    if shop_queries.bought(db, user.id, _purchase_key(key)) is not None:
        return go(BOOSTS_PATH)
    return _form(request, db, user, provider, option, key)


@router.post("/{category}/{option}")
def buy(
    request: Request,
    db: Db,
    user: CurrentUser,
    category: OptionName,
    option: OptionName,
    key: ShortText = "",
    renews: ShortText = "",
) -> Response:
    """Buy a boost. Idempotent by key."""
    provider = _profile(db, user, category, option)
    if not _KEY.fullmatch(key):
        return go(f"{BOOSTS_PATH}/{category}/{option}")
    return act_or_show(
        lambda: boosts.buy(
            db, user.id, provider, option, key=_purchase_key(key), renews=renews == "yes"
        ),
        show=lambda error: _form(request, db, user, provider, option, key, error, renews=renews),
        then=f"{BOOSTS_PATH}?saved=bought",
    )


def _profile(db: Session, user: User, category: str, option: str) -> Provider:
    """The user's own profile in the category. Raises NotOffered, UnknownProvider."""
    if option not in boosts.OPTIONS:
        raise shop.NotOffered(f"There is nothing called {option!r} for a profile.")
    return queries.own_in(db, user.id, category)


def _form(
    request: Request,
    db: Session,
    user: User,
    provider: Provider,
    option: str,
    key: str,
    error: DomainError | None = None,
    *,
    renews: str = "",
) -> Response:
    spending = SPENDING_BY_NAME[option]
    free_pot = free(db, POT, user.id)
    missing = max(spending.pot - free_pot, 0)
    refusal = boosts.refusal_of(db, provider, option)
    context = {
        "provider": provider,
        "definition": definition_of(db, provider),
        "option": spending,
        "key": key,
        "free": free_pot,
        "missing": missing,
        "unfit": refusal,
        "can_renew": spending.delivery is Delivery.SPAN,
        "renews": renews == "yes",
        "quickest": quickest(db, user) if missing else (),
    }
    if error and (missing or error.message == refusal):
        context["errors"] = []  # the page shows this anyway
    return private_page(request, "providers/boost.html", context, error)


def _purchase_key(key: str) -> str:
    return f"page:{key}"
