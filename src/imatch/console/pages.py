"""The first of the operators' pages: what needs someone. Each domain brings its own console.py."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from imatch.accounts.deps import CurrentOperator
from imatch.categories import queries as categories
from imatch.pot.economy.dashboard import fresh_health
from imatch.pot.economy.health import State
from imatch.pot.queries import waiting_for_operators
from imatch.providers import queries as providers
from imatch.web.deps import Db
from imatch.web.rendering import render

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("")
def today(request: Request, db: Db, _operator: CurrentOperator) -> HTMLResponse:
    """Only what needs someone."""
    waiting, changed = providers.waiting_counts(db)
    oldest = providers.pending(db, limit=1)
    context = {
        "section": "today",
        "waiting": waiting,
        "changed": changed,
        "waiting_since": oldest[0][0].submitted_at if oldest else None,
        "pot": waiting_for_operators(db),
        "out_of_bounds": [one for one in fresh_health().indicators if one.state is State.BAD],
        "any_open": bool(categories.active_categories(db)),
    }
    return render(request, "console/today.html", context)
