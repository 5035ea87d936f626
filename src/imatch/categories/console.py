"""Opening and closing categories. The page with the buttons is in providers/console.py."""

from fastapi import APIRouter
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator
from imatch.accounts.operators import record
from imatch.categories import service
from imatch.web.deps import Db
from imatch.web.forms import go

router = APIRouter(prefix="/console/categories", include_in_schema=False)
PAGE = "/console/categories"


@router.post("/{name}/activate")
def activate(db: Db, operator: CurrentOperator, name: str) -> Response:
    category = service.activate(db, name)
    record("activate_category", operator.id, category=category.name)
    return go(PAGE)


@router.post("/{name}/deactivate")
def deactivate(db: Db, operator: CurrentOperator, name: str) -> Response:
    category = service.deactivate(db, name)
    record("deactivate_category", operator.id, category=category.name)
    return go(PAGE)
