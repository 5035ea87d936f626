"""Operators' pages of profiles: the approval queue, decisions, and counts by category."""

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
QUEUE_PATH = "/console/providers"
QUEUE_ROWS = 100

SeenInForm = Annotated[str, Form(max_length=80)]


@router.get("/providers")
def provider_queue(request: Request, db: Db, _operator: CurrentOperator) -> HTMLResponse:
    """Profiles to decide on and credentials to verify, the longest waiting first."""
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
    """Show a profile with its private fields and the forms for decisions."""
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
        "reason_max": approval.REJECTION_REASON_MAX_CHARACTERS,
    }
    return private_page(request, "providers/decide.html", context, error)


@router.post("/providers/{provider_id:int}/approve")
def approve(db: Db, operator: CurrentOperator, provider_id: int, seen: SeenInForm) -> Response:
    """Approve the version that was shown. Raises ChangedMeanwhile after a change."""
    approval.approve(db, queries.by_id(db, provider_id), operator, seen=seen)
    return go(QUEUE_PATH)


@router.post("/providers/{provider_id:int}/reject")
def reject(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    provider_id: int,
    seen: SeenInForm,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Reject a pending or approved profile, and mail its owner the reason.

    Shows the page again for an invalid reason. Raises ChangedMeanwhile after a change.
    """
    provider = queries.by_id(db, provider_id)
    try:
        approval.reject(db, provider, operator, reason=reason, seen=seen)
    except Invalid as error:
        return _provider_page(request, db, provider, error, reason=reason)
    return go(QUEUE_PATH)


@router.post("/providers/{provider_id:int}/credentials")
def verify(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    provider_id: int,
    seen: SeenInForm,
    verified: Annotated[list[str] | None, Form(max_length=100)] = None,
) -> Response:
    """Mark exactly the ticked credentials as verified."""
    provider = queries.by_id(db, provider_id)
    try:
        approval.verify_credentials(db, provider, operator, verified or [], seen=seen)
    except Invalid as error:
        return _provider_page(request, db, provider, error)
    return go(f"{QUEUE_PATH}/{provider_id}")


@router.get("/categories")
def category_list(request: Request, db: Db, _operator: CurrentOperator) -> HTMLResponse:
    """List every category with its costs and its number of approved profiles.

    Here and not in categories/console.py, because categories may not import providers.
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
