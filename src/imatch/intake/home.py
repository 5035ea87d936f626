"""The home page, and the page on how ranking works: both speak of the open categories."""

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from imatch.accounts.deps import OptionalUser
from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition
from imatch.web.deps import Db
from imatch.web.rendering import render

router = APIRouter(include_in_schema=False)


def open_categories(db: Session) -> list[CategoryDefinition]:
    """What a visitor may look for today."""
    return [
        category.definition.model_copy(update={"active": category.active})
        for category in categories.active_categories(db)
    ]


@router.get("/")
def home(request: Request, db: Db, _user: OptionalUser) -> Response:
    return render(request, "intake/landing.html", {"categories": open_categories(db)})


@router.get("/how-ranking-works")
def how_ranking_works(request: Request, db: Db, _user: OptionalUser) -> Response:
    return render(request, "intake/how_ranking_works.html", {"categories": open_categories(db)})
