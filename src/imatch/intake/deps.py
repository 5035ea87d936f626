"""Dependencies of the intake's pages: the open category, the answers so far, the live count."""

from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy.orm import Session

from imatch.categories.deps import InForce
from imatch.categories.in_force import CategoriesInForce
from imatch.categories.queries import InactiveCategory, UnknownCategory, active_among
from imatch.categories.schemas import CategoryDefinition, FormPage
from imatch.core.errors import NotFound
from imatch.matches import service as matches
from imatch.matches.pool.live import MatchingUnavailable
from imatch.needs import rules
from imatch.needs.models import Need
from imatch.needs.service import NeedAnswers

MOST_RULES_SHOWN = 4


class CategoryClosed(NotFound):
    code = "category_not_open"


def open_category(categories: CategoriesInForce, name: str) -> CategoryDefinition:
    """The definition of an open category. Raises CategoryClosed for any other name."""
    try:
        return active_among(categories, name).definition
    except (UnknownCategory, InactiveCategory) as closed:
        raise CategoryClosed(closed.message) from closed


async def _open_category(categories: InForce, category: str) -> CategoryDefinition:
    return open_category(categories, category)


# The definition of the path's {category}. Raises CategoryClosed (404) if it is not open.
OpenCategory = Annotated[CategoryDefinition, Depends(_open_category)]


def answers_of(need: Need | None) -> NeedAnswers:
    return need.answers if need is not None else {"values": {}, "importance": {}}


def people_left(
    db: Session,
    definition: CategoryDefinition,
    answers: NeedAnswers,
    page: FormPage | None = None,
) -> dict[str, Any] | None:
    """The live count and what each rule removes; None while it cannot or must not be counted."""
    values = answers["values"]
    if not values or rules.safety_stop(definition, values):
        return None
    if page is not None and rules.asks_for_safety(definition, page):
        return None
    try:
        left = matches.people_left(db, definition.name, values, answers["importance"])
    except MatchingUnavailable:
        return None
    removed = [
        {
            "name": rule.name,
            "label": rule.label,
            "count": rule.count,
            "would_remain": rule.would_remain,
            "relaxable": _may_relax(definition, rule, left.count),
        }
        for rule in left.removed[:MOST_RULES_SHOWN]
    ]
    return {"count": left.count, "removed": removed}


def _may_relax(definition: CategoryDefinition, rule: matches.RuleEffect, count: int) -> bool:
    """Whether giving the rule up would leave more people, and the seeker may give it up."""
    gains = rule.relaxable and rule.would_remain > count
    return gains and rules.field_of_rule(definition, rule.name) is not None
