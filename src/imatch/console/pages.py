"""The operators' overview page. Each domain has its other operator pages in console.py."""

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
    """Show what waits for an operator, and the indicators of the POT economy that are bad."""
    waiting, changed = providers.waiting_counts(db)
    oldest = providers.pending(db, limit=1)
    context = {
        "section": "today",
        "waiting": waiting,
        "changed": changed,
        "waiting_since": oldest[0][0].submitted_at if oldest else None,
        "pot": waiting_for_operators(db),
        "out_of_bounds": [
            indicator for indicator in fresh_health().indicators if indicator.state is State.BAD
        ],
        "any_open": bool(categories.active_categories(db)),
    }
    return render(request, "console/today.html", context)
