"""The Why pages: every number behind a match or paid place, and reports of wrong facts."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from imatch.core.errors import DomainError
from imatch.core.ids import RowId
from imatch.matches import queries, reports, service
from imatch.matches.deps import PageViewer
from imatch.matches.explaining.arithmetic import arithmetic_of
from imatch.matches.explaining.cards import cards_of
from imatch.matches.paid.placement import paid_place
from imatch.matches.queries import NoSuchMatch, Viewer
from imatch.needs import queries as seekers
from imatch.needs.deps import CurrentNeed
from imatch.needs.models import NeedStatus
from imatch.needs.service import SafetyStop
from imatch.pot.shop.catalog import SPENDING_BY_NAME
from imatch.providers.boosts import BOOST
from imatch.web.deps import ClientAddress, Db
from imatch.web.forms import act_or_show, at_field, go, private_page

router = APIRouter(include_in_schema=False)


@router.get("/matches/{match_id:int}/why")
def why(
    request: Request, db: Db, match_id: RowId, viewer: PageViewer, reported: str = ""
) -> Response:
    return _page(request, db, match_id, viewer, reported=reported == "yes")


@router.get("/matches/paid/why")
def paid_why(request: Request, db: Db, need: CurrentNeed) -> Response:
    """Who pays for the place beside the list, by which rule it is given, and the same arithmetic.

    It is worked out as the list's page does; where there is none, that page opens.
    """
    place = None
    if need is not None and need.status != NeedStatus.DRAFT:
        with suppress(SafetyStop):
            shortlist = service.made(db, need)
            if shortlist is not None:
                place = paid_place(db, need, seekers.definition_of(db, need), shortlist)
    if place is None:
        return go("/matches")
    sums = arithmetic_of(place.explanation, place.fit)
    context = {"place": place, "sums": sums, "boost": SPENDING_BY_NAME[BOOST]}
    return private_page(request, "matches/paid/paid_why.html", context)


@router.post("/matches/{match_id:int}/report")
def report(
    request: Request,
    db: Db,
    match_id: RowId,
    viewer: PageViewer,
    address: ClientAddress,
    text: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Send a report of a wrong fact, or show the form again with its errors."""
    match = queries.match_of(db, match_id, viewer)
    return act_or_show(
        lambda: reports.report_wrong_fact(db, match, text, address=address),
        show=lambda error: _page(request, db, match_id, viewer, at_field(error, "text"), text=text),
        then=f"/matches/{match_id}/why?reported=yes#report",
    )


def _page(
    request: Request,
    db: Db,
    match_id: int,
    viewer: Viewer,
    error: DomainError | None = None,
    *,
    text: str = "",
    reported: bool = False,
) -> Response:
    match = queries.match_of(db, match_id, viewer)
    cards = cards_of(db, [match])
    if not cards:
        raise NoSuchMatch
    context = {
        "card": cards[0],
        "sums": service.why(match),
        "made": queries.shortlist_of(db, match),
        "reported": reported,
        "text": text,
    }
    return private_page(request, "matches/why.html", context, error)
