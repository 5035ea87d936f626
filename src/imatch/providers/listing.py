"""Everybody public in a category, page by page, with a labelled row for who paid to be featured."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition
from imatch.core.clock import now
from imatch.pot.shop import service as shop
from imatch.providers import boosts, queries, rules
from imatch.providers.models import Provider
from imatch.web.deps import Cursor, Db
from imatch.web.rendering import render

router = APIRouter(include_in_schema=False)
ROWS = 20
_FEATURED_AT_MOST = 3


@router.get("/providers/{category}")
def list_people(
    request: Request,
    db: Db,
    category: Annotated[str, Path(max_length=64)],
    cursor: Cursor = None,
) -> Response:
    """Public profiles in an open category, in the order in which they came."""
    shown = categories.active_by_name(db, category)
    definition = shown.definition
    page = queries.public_page(db, category=category, cursor=cursor, limit=ROWS)
    featured = _featured(db, shown.id)
    context = {
        "definition": definition,
        "people": _summaries(db, page.items, definition),
        "featured": _summaries(db, featured, definition) if cursor is None else [],
        "next_cursor": page.next_cursor,
        "first_page": cursor is None,
    }
    return render(request, "providers/people.html", context)


def _featured(db: Session, category_id: int) -> Sequence[Provider]:
    """Who is featured here now. Where more paid than fit in, they take turns by the hour."""
    ids = shop.active(db, boosts.FEATURED, boosts.PROFILE)
    found = queries.public_of(db, ids, category_id)
    if len(found) <= _FEATURED_AT_MOST:
        return found
    first = int(now().timestamp() // 3_600) % len(found)
    return [found[(first + place) % len(found)] for place in range(_FEATURED_AT_MOST)]


def _summaries(
    db: Session, people: Sequence[Provider], definition: CategoryDefinition
) -> list[dict[str, object]]:
    badged = boosts.badge_buyers(db, [provider.id for provider in people])
    return [
        {
            "provider": provider,
            "summary": (summary := rules.summary(provider, definition, now())),
            "has_bought_badge": provider.id in badged and bool(summary.verified_credentials),
        }
        for provider in people
    ]
