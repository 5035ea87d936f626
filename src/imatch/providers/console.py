"""The operators' pages of profiles: the queue, decisions, and who is in which category."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator
from imatch.accounts.models import User
from imatch.categories import queries as categories
from imatch.core.clock import now
from imatch.core.errors import DomainError, Invalid
from imatch.providers import approval, queries, rules, service
from imatch.providers.models import Provider
from imatch.web.deps import Db
from imatch.web.forms import go, private_page
from imatch.web.rendering import render

router = APIRouter(prefix="/console", include_in_schema=False)
QUEUE = "/console/providers"
QUEUE_ROWS = 100

Seen = Annotated[str, Form(max_length=80)]


@router.get("/providers")
def provider_queue(request: Request, db: Db, _operator: CurrentOperator) -> HTMLResponse:
    """Profiles to decide on and credentials to look at, the longest waiting first."""
    waiting, changed = queries.waiting_counts(db)
    context = {
        "section": "providers",
        "waiting": waiting,
        "changed": changed,
        "pending": queries.pending(db, limit=QUEUE_ROWS),
        "to_check": queries.credentials_to_check(db, limit=QUEUE_ROWS),
        "shown": QUEUE_ROWS,
    }
    return render(request, "providers/queue.html", context)


@router.get("/providers/{provider_id:int}")
def provider_page(
    request: Request, db: Db, _operator: CurrentOperator, provider_id: int
) -> Response:
    """A whole profile, private fields included, with what can be decided about it."""
    return _provider_page(request, db, queries.by_id(db, provider_id))


def _provider_page(
    request: Request,
    db: Db,
    provider: Provider,
    error: DomainError | None = None,
    *,
    reason: str = "",
) -> Response:
    definition = service.definition_of(db, provider)
    field = definition.provider.get(rules.CREDENTIALS)
    context: dict[str, Any] = {
        "section": "providers",
        "provider": provider,
        "owner": db.get_one(User, provider.user_id),
        "definition": definition,
        "completeness": rules.completeness(definition, provider.profile),
        "credentials": rules.credentials_of(provider, definition, now().date()),
        "credential_rows": provider.profile.get(rules.CREDENTIALS, []),
        "credential_labels": definition.options(field) if field else {},
        "described": {
            name: rules.described(definition, provider.profile, name) for name in provider.profile
        },
        "seen": rules.version_of(provider),
        "reason": reason,
        "reason_max": approval.REASON_MAX,
    }
    return private_page(request, "providers/decide.html", context, error)


@router.post("/providers/{provider_id:int}/approve")
def approve(db: Db, operator: CurrentOperator, provider_id: int, seen: Seen) -> Response:
    """Approve what was looked at; a change in between is a conflict."""
    approval.approve(db, queries.by_id(db, provider_id), operator, seen=seen)
    return go(QUEUE)


@router.post("/providers/{provider_id:int}/reject")
def reject(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    provider_id: int,
    seen: Seen,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Refuse a profile, or take an approved one down; its owner reads the reason.

    A profile that changed meanwhile is looked at anew: only a wrong reason is shown beside it.
    """
    provider = queries.by_id(db, provider_id)
    try:
        approval.reject(db, provider, operator, reason=reason, seen=seen)
    except Invalid as error:
        return _provider_page(request, db, provider, error, reason=reason)
    return go(QUEUE)


@router.post("/providers/{provider_id:int}/credentials")
def verify(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    provider_id: int,
    seen: Seen,
    verified: Annotated[list[str] | None, Form(max_length=100)] = None,
) -> Response:
    """Mark exactly the ticked credentials as checked."""
    provider = queries.by_id(db, provider_id)
    try:
        approval.verify_credentials(db, provider, operator, verified or [], seen=seen)
    except Invalid as error:
        return _provider_page(request, db, provider, error)
    return go(f"{QUEUE}/{provider_id}")


@router.get("/categories")
def category_list(request: Request, db: Db, _operator: CurrentOperator) -> HTMLResponse:
    """Every category, with what it costs and how many are in it.

    It stands here because it counts profiles; categories/console.py opens and closes them.
    """
    counts = queries.counts_by_category(db)
    context = {
        "section": "categories",
        "rows": [
            (
                category,
                category.definition.display_name,
                rules.cost_of(category.definition.fees),
                counts.get(category.id, 0),
            )
            for category in categories.all_categories(db)
        ],
    }
    return render(request, "providers/categories.html", context)
