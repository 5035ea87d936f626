"""JSON API of categories: what a client needs to build a form and submit answers."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from imatch.categories import checks, queries
from imatch.categories.deps import InForce
from imatch.categories.in_force import CategoryInForce
from imatch.categories.schemas import CategoryDefinition
from imatch.web.deps import Db
from imatch.web.problem import problems

router = APIRouter(tags=["categories"])


class CategoryOut(BaseModel):
    name: str
    display_name: str
    singular: str
    icon: str = Field(description="The name of a lucide icon.")
    summary: str
    description: str
    active: bool = Field(description="Whether the category takes seekers and providers now.")


class Categories(BaseModel):
    items: list[CategoryOut]


class CategoryDetails(CategoryOut):
    definition: CategoryDefinition = Field(
        description="Pages, fields, vocabularies, gates, weights, fees and policies in force."
    )
    windows: dict[str, str] = Field(description="The values of a field of kind `windows`.")


@router.get("/categories")
async def list_categories(categories: InForce) -> Categories:
    """Every category, open or not, in the order of their names."""
    return Categories(items=[_summary(category) for category in categories.by_name.values()])


@router.get("/categories/{name}", responses=problems(404))
def get_category(
    db: Db, name: Annotated[str, Path(max_length=64, description="A category's name.")]
) -> CategoryDetails:
    """One category with its whole definition, as operators have it in force."""
    category = queries.by_name(db, name)
    return CategoryDetails(
        **_summary(category).model_dump(),
        definition=category.definition,
        windows=checks.WINDOWS,
    )


def _summary(category: CategoryInForce) -> CategoryOut:
    definition = category.definition
    return CategoryOut(
        name=category.name,
        display_name=definition.display_name,
        singular=definition.singular,
        icon=definition.icon,
        summary=definition.summary,
        description=definition.description,
        active=category.active,
    )
