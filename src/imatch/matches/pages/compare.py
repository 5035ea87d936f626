"""Two or three people side by side, criterion by criterion."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from imatch.core.ids import RowId
from imatch.matches import queries, rules
from imatch.matches.deps import PageViewer
from imatch.matches.explaining.cards import Card, cards_of
from imatch.web.deps import Db
from imatch.web.forms import private_page

# Both databases keep ids below this.

router = APIRouter(include_in_schema=False)


@router.get("/compare")
def compare(
    request: Request,
    db: Db,
    viewer: PageViewer,
    ids: Annotated[list[RowId] | None, Query(alias="id", max_length=20)] = None,
) -> Response:
    """Compare the viewer's chosen matches; others' matches are 404."""
    chosen = list(dict.fromkeys(ids or ()))
    if not rules.FEWEST_COMPARED <= len(chosen) <= rules.MOST_COMPARED:
        context: dict[str, object] = {"cards": [], "lines": []}
        return private_page(request, "matches/compare.html", context, status=422)
    cards = cards_of(db, queries.matches_by_id(db, chosen, viewer))
    context = {"cards": cards, "lines": _criteria(cards)}
    return private_page(request, "matches/compare.html", context)


def _criteria(cards: list[Card]) -> dict[str, str]:
    """Names and labels of the criteria that counted for at least one of them."""
    return {
        line.name: line.label
        for card in cards
        for line in card.explanation.pick.criteria
        if line.weight
    }
