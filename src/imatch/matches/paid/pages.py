"""Pages to buy more than the three free people with POT."""

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import CurrentUser
from imatch.accounts.models import User
from imatch.core.errors import DomainError, Invalid, NotFound
from imatch.core.ids import RowId
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.matches import queries, rules, service
from imatch.matches.deps import PageViewer
from imatch.matches.explaining.cards import cards_of
from imatch.matches.models import MatchKind
from imatch.matches.paid import service as paid
from imatch.needs import queries as seekers
from imatch.needs.deps import CurrentNeed
from imatch.needs.models import Need, NeedStatus
from imatch.needs.service import SafetyStop
from imatch.pot.awards.queries import quickest
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDING_BY_NAME, Spending
from imatch.pot.shop.models import PotPurchase
from imatch.web.deps import Db, OptionName, ShortQuery
from imatch.web.forms import act_or_show, at_field, go, private_page

_KEY = re.compile(r"[\w-]{16,64}", re.ASCII)
HOME = "/matches"
NOTE_MAX = 300

CriteriaText = Annotated[str, Form(max_length=20_000)]

router = APIRouter(prefix=HOME, include_in_schema=False)


class NotSoldHere(NotFound):
    code = "not_offered"

    def __init__(self) -> None:
        super().__init__("There is nothing like this to buy for a list of matches.")


@router.get("/lists/{shortlist_id:int}")
def show_list(request: Request, db: Db, viewer: PageViewer, shortlist_id: RowId) -> Response:
    """Show a purchased list as it was stored."""
    shortlist = queries.own_shortlist(db, shortlist_id, viewer)
    if shortlist.kind == MatchKind.BASIC:
        return go(HOME)
    need = db.get_one(Need, shortlist.seeker_id)
    context = {
        "shortlist": shortlist,
        "cards": cards_of(db, queries.matches_of(db, shortlist.id)),
        "definition": seekers.definition_of(db, need),
    }
    return private_page(request, "matches/list.html", context)


@router.get("/more/{option}")
def choose(
    request: Request,
    db: Db,
    user: CurrentUser,
    need: CurrentNeed,
    option: OptionName,
    key: ShortQuery = "",
) -> Response:
    """What it brings and costs, before anything is bought.

    The idempotency key is in the address, so that Back leads to the same order.
    """
    spending = _sold_here(option)
    if need is None or need.status == NeedStatus.DRAFT:
        return go(HOME)
    if not _KEY.fullmatch(key):
        return go(f"{HOME}/more/{option}?key={secrets.token_urlsafe(16)}")
    bought = shop_queries.bought(db, user.id, _page_key(key))
    if bought is not None:
        return go(_place_of(db, bought))
    return _form(request, db, user, need, spending, key)


@router.post("/more/{option}")
def buy(
    request: Request,
    db: Db,
    user: CurrentUser,
    need: CurrentNeed,
    option: OptionName,
    key: CriteriaText = "",
    criteria: CriteriaText = "",
    refusal: CriteriaText = "",
    note: CriteriaText = "",
) -> Response:
    """Buy it. Idempotent by key."""
    spending = _sold_here(option)
    if need is None:
        return go(HOME)
    if not _KEY.fullmatch(key):
        return go(f"{HOME}/more/{option}")
    typed = {"criteria": criteria, "refusal": refusal, "note": note}
    return act_or_show(
        lambda: _bought(db, user, need, spending, _page_key(key), typed),
        show=lambda error: _form(request, db, user, need, spending, key, error, typed=typed),
        then=go,
    )


@router.post("/orders/{purchase_id:int}/cancel")
def cancel(db: Db, user: CurrentUser, purchase_id: RowId) -> Response:
    """Cancel an undelivered order; a settled one does not change."""
    try:
        shop.cancel(db, purchase_id, user_id=user.id)
    except shop.PurchaseSettled:
        return go("/wallet")
    return go(f"{HOME}#more")


def _bought(
    db: Session, user: User, need: Need, spending: Spending, key: str, typed: dict[str, str]
) -> str:
    """Buy, and return the page that shows what was bought, or why nothing can be."""
    try:
        if spending.name == paid.BY_HAND:
            order = paid.order_by_hand(db, user, need, key=key, note=typed["note"])
            return _place_of(db, order)
        kind = paid.KIND_OF[spending.name]
        wish = paid.Wish(kind, typed["criteria"], _refusal(typed["refusal"]))
        shortlist = paid.buy(db, user, need, wish, key=key)
    except SafetyStop:
        return f"/find/{seekers.definition_of(db, need).name}/stop"
    except paid.ListGone:
        return f"{HOME}/more/{spending.name}"  # which makes a new key
    service.take_as_viewed(db, queries.matches_of(db, shortlist.id))
    return f"{HOME}/lists/{shortlist.id}"


def _refusal(written: str) -> rules.Refusal | None:
    if not written:
        return None
    try:
        return rules.Refusal(written)
    except ValueError:
        raise at_field(Invalid("Choose one of the reasons, or none."), "refusal") from None


def _place_of(db: Session, purchase: PotPurchase) -> str:
    """Where a purchase is seen; where its list is deleted, the page of an order of its own."""
    if purchase.reference_type != paid.SHORTLIST:
        return f"{HOME}#more"
    found = paid.list_bought(db, purchase)
    return f"{HOME}/lists/{found.id}" if found else f"{HOME}/more/{purchase.option}"


def _sold_here(option: str) -> Spending:
    if option not in paid.KIND_OF and option != paid.BY_HAND:
        raise NotSoldHere
    return SPENDING_BY_NAME[option]


def _form(
    request: Request,
    db: Session,
    user: User,
    need: Need,
    spending: Spending,
    key: str,
    error: DomainError | None = None,
    *,
    typed: dict[str, str] | None = None,
) -> Response:
    has = free(db, POT, user.id)
    missing = max(spending.pot - has, 0)
    context = {
        "option": spending,
        "key": key,
        "free": has,
        "missing": missing,
        "quickest": quickest(db, user) if missing else (),
        "ordered": paid.ordered_by_hand(db, user, need),
        "typed": typed or {"criteria": "", "refusal": "", "note": ""},
        "criteria_max": rules.MAX_CUSTOM_CRITERIA,
        "note_max": NOTE_MAX,
        "seen": len(queries.shown_before(db, need.id)),
    }
    if error and missing and not error.fields:
        context["errors"] = []  # the page itself says how many POT are missing
    return private_page(request, "matches/paid/more.html", context, error)


def _page_key(key: str) -> str:
    return f"page:{key}"
