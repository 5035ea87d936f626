"""The matches page: three people with reasons and a drawback, or the rule that leaves nobody."""

from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import OptionalUser
from imatch.accounts.models import User
from imatch.categories import queries as categories
from imatch.categories.in_force import CategoryInForce
from imatch.categories.schemas import CategoryDefinition
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.matches import queries, rules, service
from imatch.matches.explaining.cards import cards_of
from imatch.matches.models import Shortlist
from imatch.matches.paid import service as paid
from imatch.matches.paid.placement import paid_place
from imatch.matches.service import RuleEffect
from imatch.needs import queries as seekers
from imatch.needs import rules as seeker_rules
from imatch.needs import service as seeker_service
from imatch.needs.deps import CurrentNeed
from imatch.needs.models import Need, NeedStatus
from imatch.web.deps import Db
from imatch.web.forms import go, private_page
from imatch.web.rendering import render

_NUMBERS = {1: "One person fits", 2: "Two people fit", 3: "Three people fit"}

router = APIRouter(include_in_schema=False)


@router.get("/matches")
def show(request: Request, db: Db, need: CurrentNeed, user: OptionalUser) -> Response:
    """Show the stored shortlist of this browser's or account's need. Read-only.

    Leaves out providers who take no new people. Submitting the answers again ranks anew.
    """
    if need is None:
        return render(request, "matches/none.html", {}, status=404)
    category = categories.by_id(db, need.category_id)
    try:
        shortlist = None if need.status == NeedStatus.DRAFT else service.made(db, need)
    except seeker_service.SafetyStop:
        return go(f"/find/{category.name}/stop")
    if shortlist is None:
        categories.active_by_name(
            db, category.name
        )  # raises for a closed category, which the next page would not mention
        return go(f"/find/{category.name}/check")
    context = _context(db, need, category, shortlist) | {
        "paid_place": paid_place(db, need, category.definition, shortlist),
        "offer": _offer(db, user, need, shortlist),
    }
    return private_page(request, "matches/shortlist.html", context)


@router.post("/matches/relax")
def relax(db: Db, need: CurrentNeed, rule: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Relax one rule and rank again, in one tap."""
    if need is None:
        return go("/matches")
    seeker_service.relax(db, need, rule)
    definition = seekers.definition_of(db, need)
    try:
        service.finish(db, need)
    except seeker_service.SafetyStop:
        return go(f"/find/{definition.name}/stop")
    except seeker_service.BadAnswers:
        return go(f"/find/{definition.name}/check")
    return go("/matches")


def _offer(db: Session, user: User | None, need: Need, shortlist: Shortlist) -> paid.Offer | None:
    """What POT can buy for this need; None without an account."""
    if user is None:
        return None
    return paid.offer(db, user, need, shortlist, free=free(db, POT, user.id))


def _context(
    db: Session, need: Need, category: CategoryInForce, shortlist: Shortlist
) -> dict[str, object]:
    definition = category.definition
    values, importance = need.answers["values"], need.answers["importance"]
    listed = cards_of(db, queries.matches_of(db, shortlist.id))
    cards = [card for card in listed if card.takes_people]
    gone = rules.shown_of(shortlist) - len(cards)
    nobody = "Nobody on your list takes new people now" if gone else "Nobody fits every rule yet"
    removed = service.effects_of(shortlist)
    return {
        "definition": definition,
        "shortlist": shortlist,
        "cards": cards,
        "gone": gone,
        "may_look_again": category.active,
        "by_fit": all(higher.fit >= lower.fit for higher, lower in pairwise(cards)),
        "heading": _NUMBERS.get(len(cards), nobody),
        "must_haves": rules.must_haves(definition, values, importance),
        "removed": removed,
        "relaxable": [rule for rule in removed if _may_relax(definition, rule)],
        "notices": seeker_rules.notices(definition, values),
        "change_path": f"/find/{definition.name}/check",
    }


def _may_relax(definition: CategoryDefinition, rule: RuleEffect) -> bool:
    """Whether giving the rule up would show more people, and the seeker may give it up."""
    gains = rule.relaxable and rule.would_remain > 0
    return gains and seeker_rules.field_of_rule(definition, rule.name) is not None
