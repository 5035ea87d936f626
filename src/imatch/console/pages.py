"""The operators' pages: what needs someone, the queue of profiles, opening categories."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from imatch.accounts.deps import CurrentOperator
from imatch.accounts.models import User
from imatch.categories import queries as category_queries
from imatch.categories import service as categories
from imatch.core.clock import now
from imatch.core.errors import FieldError, Invalid
from imatch.core.logs import log
from imatch.pot.economy.dashboard import fresh_health
from imatch.pot.economy.health import State
from imatch.pot.queries import waiting_for_operators
from imatch.providers import approval, queries, rules, service
from imatch.providers.models import Provider
from imatch.web.deps import Db
from imatch.web.rendering import render

router = APIRouter(prefix="/console", include_in_schema=False)
QUEUE_ROWS = 100
_SEE_OTHER = 303

Seen = Annotated[str, Form(max_length=80)]


@router.get("")
def today(request: Request, db: Db, _operator: CurrentOperator) -> HTMLResponse:
    """Only what needs someone."""
    waiting, changed = queries.waiting_counts(db)
    oldest = queries.pending(db, limit=1)
    context = {
        "section": "today",
        "waiting": waiting,
        "changed": changed,
        "waiting_since": oldest[0][0].submitted_at if oldest else None,
        "pot": waiting_for_operators(db),
        "out_of_bounds": [one for one in fresh_health().indicators if one.state is State.BAD],
        "any_open": bool(category_queries.active_categories(db)),
    }
    return render(request, "console/today.html", context)


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
) -> HTMLResponse:
    """A whole profile, private fields included, with what can be decided about it."""
    return _provider_page(request, db, queries.by_id(db, provider_id))


def _provider_page(
    request: Request,
    db: Db,
    provider: Provider,
    *,
    errors: tuple[FieldError, ...] = (),
    reason: str = "",
) -> HTMLResponse:
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
        "summary": [(fault.control_id, fault.message) for fault in errors],
        "faults": {fault.control_id: fault.message for fault in errors},
        "reason": reason,
        "reason_max": approval.REASON_MAX,
    }
    return render(request, "providers/decide.html", context, status=422 if errors else 200)


@router.post("/providers/{provider_id:int}/approve")
def approve(db: Db, operator: CurrentOperator, provider_id: int, seen: Seen) -> Response:
    """Approve what was looked at; a change in between is a conflict."""
    approval.approve(db, queries.by_id(db, provider_id), operator, seen=seen)
    return _to_queue()


@router.post("/providers/{provider_id:int}/reject")
def reject(
    request: Request,
    db: Db,
    operator: CurrentOperator,
    provider_id: int,
    seen: Seen,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Refuse a profile, or take an approved one down; its owner reads the reason."""
    provider = queries.by_id(db, provider_id)
    try:
        approval.reject(db, provider, operator, reason=reason, seen=seen)
    except Invalid as refusal:
        return _provider_page(request, db, provider, errors=refusal.fields, reason=reason)
    return _to_queue()


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
    except Invalid as refusal:
        return _provider_page(request, db, provider, errors=refusal.fields)
    return RedirectResponse(f"/console/providers/{provider_id}", _SEE_OTHER)


def _to_queue() -> Response:
    return RedirectResponse("/console/providers", _SEE_OTHER)


@router.get("/categories")
def category_list(request: Request, db: Db, _operator: CurrentOperator) -> HTMLResponse:
    """Every category, with what it costs and who is in it."""
    counts = queries.counts_by_category(db)
    found = [
        (row, category_queries.definition_of(row), counts.get(row.id, 0))
        for row in category_queries.all_categories(db)
    ]
    context = {
        "section": "categories",
        "rows": [
            (row, definition.display_name, rules.cost_of(definition.fees), count)
            for row, definition, count in found
        ],
    }
    return render(request, "categories/console.html", context)


@router.post("/categories/{name}/activate")
def activate(db: Db, operator: CurrentOperator, name: str) -> Response:
    row = categories.activate(db, name)
    return _to_categories("activate_category", operator, row.name)


@router.post("/categories/{name}/deactivate")
def deactivate(db: Db, operator: CurrentOperator, name: str) -> Response:
    row = categories.deactivate(db, name)
    return _to_categories("deactivate_category", operator, row.name)


def _to_categories(act: str, operator: User, category: str) -> Response:
    log().info("operator_act", act=act, operator_id=operator.id, category=category)
    return RedirectResponse("/console/categories", _SEE_OTHER)
