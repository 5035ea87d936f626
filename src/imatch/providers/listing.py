"""The public list of a category's profiles, with a labelled row of featured ones."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition
from imatch.core.clock import now
from imatch.pot.shop import queries as shop_queries
from imatch.providers import boosts, queries, rules
from imatch.providers.models import Provider
from imatch.web.deps import Cursor, Db
from imatch.web.rendering import render

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 20
_MAX_FEATURED = 3


@router.get("/providers/{category}")
def list_people(
    request: Request,
    db: Db,
    category: Annotated[str, Path(max_length=64)],
    cursor: Cursor = None,
) -> Response:
    """List the public profiles of an open category, the oldest first."""
    row = categories.active_by_name(db, category)
    definition = row.definition
    page = queries.public_page(db, category=category, cursor=cursor, limit=PAGE_SIZE)
    featured = _featured(db, row.id)
    context = {
        "definition": definition,
        "people": _summaries(db, page.items, definition),
        "featured": _summaries(db, featured, definition) if cursor is None else [],
        "next_cursor": page.next_cursor,
        "first_page": cursor is None,
    }
    return render(request, "providers/people.html", context)


def _featured(db: Session, category_id: int) -> Sequence[Provider]:
    """The featured profiles to show. If there are more than _MAX_FEATURED, they rotate hourly."""
    provider_ids = shop_queries.active(db, boosts.FEATURED, boosts.PROFILE_REFERENCE_TYPE)
    featured = queries.public_of(db, provider_ids, category_id)
    if len(featured) <= _MAX_FEATURED:
        return featured
    first = int(now().timestamp() // 3_600) % len(featured)
    return [featured[(first + offset) % len(featured)] for offset in range(_MAX_FEATURED)]


def _summaries(
    db: Session, people: Sequence[Provider], definition: CategoryDefinition
) -> list[dict[str, object]]:
    with_badge = boosts.badge_buyers(db, [provider.id for provider in people])
    return [
        {
            "provider": provider,
            "summary": (summary := rules.summary(provider, definition, now())),
            "has_bought_badge": provider.id in with_badge and bool(summary.verified_credentials),
        }
        for provider in people
    ]
