"""The home page and the page on how ranking works. Both list the open categories."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from imatch.categories.deps import InForce
from imatch.categories.in_force import CategoriesInForce
from imatch.categories.schemas import CategoryDefinition
from imatch.web.rendering import render_shared

router = APIRouter(include_in_schema=False)


def open_categories(categories: CategoriesInForce) -> list[CategoryDefinition]:
    """The categories that seekers can choose now."""
    return [
        category.definition.model_copy(update={"active": True}) for category in categories.active
    ]


@router.get("/")
async def home(request: Request, categories: InForce) -> Response:
    return _page(request, "intake/landing.html", categories)


@router.get("/how-ranking-works")
async def how_ranking_works(request: Request, categories: InForce) -> Response:
    return _page(request, "intake/how_ranking_works.html", categories)


def _page(request: Request, template: str, categories: CategoriesInForce) -> Response:
    context = {"categories": open_categories(categories)}
    return render_shared(request, template, context, version=categories)
