"""Providers' pages: costs, the profile builder, the dashboard, and the public profile."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from imatch.accounts.deps import CurrentUser, OptionalUser
from imatch.accounts.models import AccountType, User
from imatch.categories import forms
from imatch.categories import queries as categories
from imatch.categories.deps import InForce
from imatch.categories.form_view import FormView
from imatch.categories.schemas import CategoryDefinition
from imatch.core.clock import now, today
from imatch.core.errors import DomainError, Invalid
from imatch.providers import boosts, queries, rules, service
from imatch.providers.models import Provider, ProviderStatus
from imatch.web.deps import Db, PostedForm
from imatch.web.forms import act_or_show, at_field, go, private_page
from imatch.web.rendering import render, render_shared

router = APIRouter(include_in_schema=False)


@router.get("/providers")
async def for_professionals(request: Request, in_force: InForce) -> HTMLResponse:
    """Explain the marketplace to professionals: benefits, costs, and how to begin."""
    definitions = [category.definition for category in in_force.active]
    costs = [(definition, rules.cost_of(definition.fees)) for definition in definitions]
    return render_shared(request, "providers/landing.html", {"costs": costs}, version=in_force)


@router.get("/p/{slug}")
def public_profile(request: Request, db: Db, slug: str, user: OptionalUser) -> HTMLResponse:
    """Show a public profile. Before approval, only its owner and operators may see it."""
    provider = queries.by_slug(db, slug) if user else queries.public_by_slug(db, slug)
    if not _may_preview(user, provider):
        provider = queries.public_by_slug(db, slug)
    return render(request, "providers/profile.html", _profile_context(db, provider))


def _may_preview(user: User | None, provider: Provider) -> bool:
    return user is not None and (
        user.id == provider.user_id or user.account_type == AccountType.OPERATOR
    )


def _profile_context(db: Db, provider: Provider) -> dict[str, Any]:
    definition = service.definition_of(db, provider)
    moment = now()
    return {
        "provider": provider,
        "definition": definition,
        "public": {field.name: field for field in rules.public_fields(provider, definition)},
        "credentials": rules.credentials_of(provider, definition, moment.date()),
        "rating": rules.rating_of(provider, definition),
        "takes_new": rules.takes_new(provider, moment),
        "paused_until": rules.is_paused_until(provider, moment),
        "days": rules.windows_by_day(provider.profile),
        "has_bought_badge": boosts.shows_badge(db, provider, definition),
    }


@router.get("/pro")
def dashboard(request: Request, db: Db, user: CurrentUser) -> HTMLResponse:
    """Show the user's profiles, each with its gaps."""
    cards = [_profile_status(db, provider) for provider in queries.own(db, user.id)]
    return render(request, "providers/dashboard.html", {"cards": cards})


def _profile_status(db: Db, provider: Provider) -> dict[str, Any]:
    definition = service.definition_of(db, provider)
    moment = now()
    return {
        "provider": provider,
        "definition": definition,
        "completeness": rules.completeness(definition, provider.profile),
        "takes_new": rules.takes_new(provider, moment),
        "paused_until": rules.is_paused_until(provider, moment),
    }


@router.get("/pro/new")
def choose_category(request: Request, db: Db, user: CurrentUser) -> HTMLResponse:
    """Choose an open category without a profile of the user."""
    own_category_ids = {provider.category_id for provider in queries.own(db, user.id)}
    context = {
        "free": [
            category.definition
            for category in categories.active_categories(db)
            if category.id not in own_category_ids
        ],
        "any_held": bool(own_category_ids),
    }
    return render(request, "providers/new.html", context)


@router.post("/pro/new")
def start(db: Db, user: CurrentUser, category: Annotated[str, Form(max_length=64)]) -> Response:
    """Start a profile, or continue the existing one."""
    service.start(db, user, category)
    return go(f"/pro/profile/{category}/1")


@router.get("/pro/profile/{category}")
def manage(request: Request, db: Db, user: CurrentUser, category: str) -> Response:
    """Show one profile: status, gaps, pause and capacity."""
    return _manage_page(request, db, queries.own_in(db, user.id, category))


def _manage_page(
    request: Request,
    db: Db,
    provider: Provider,
    error: DomainError | None = None,
    **typed: str,
) -> Response:
    owner = db.get_one(User, provider.user_id)
    context = _profile_status(db, provider) | {
        "email_confirmed": owner.email_confirmed_at is not None,
        "tomorrow": date.fromordinal(today().toordinal() + 1).isoformat(),
        "typed": typed,
    }
    return private_page(request, "providers/manage.html", context, error)


@router.post("/pro/profile/{category}/submit")
def submit(request: Request, db: Db, user: CurrentUser, category: str) -> Response:
    provider = queries.own_in(db, user.id, category)
    return act_or_show(
        lambda: service.submit(db, provider),
        show=lambda error: _manage_page(request, db, provider, error),
        then=_manage_path(category),
    )


@router.post("/pro/profile/{category}/pause")
def pause(
    request: Request,
    db: Db,
    user: CurrentUser,
    category: str,
    until: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Pause new clients until a day or until further notice."""
    provider = queries.own_in(db, user.id, category)
    return act_or_show(
        lambda: service.pause(db, provider, _day(until)),
        show=lambda error: _manage_page(request, db, provider, error, until=until),
        then=_manage_path(category),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError:
        error = Invalid("Enter a day such as 2027-03-31, or leave it empty.")
        raise at_field(error, "until") from None


@router.post("/pro/profile/{category}/resume")
def resume(db: Db, user: CurrentUser, category: str) -> Response:
    service.resume(db, queries.own_in(db, user.id, category))
    return go(_manage_path(category))


@router.post("/pro/profile/{category}/capacity")
def set_capacity(
    request: Request,
    db: Db,
    user: CurrentUser,
    category: str,
    capacity: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    provider = queries.own_in(db, user.id, category)
    number = int(capacity) if capacity.strip().isdecimal() else capacity
    return act_or_show(
        lambda: service.set_capacity(db, provider, number),
        show=lambda error: _manage_page(request, db, provider, error, capacity=capacity),
        then=_manage_path(category),
    )


@router.post("/pro/profile/{category}/address")
def rename(
    request: Request,
    db: Db,
    user: CurrentUser,
    category: str,
    slug: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Change the slug of the public page."""
    provider = queries.own_in(db, user.id, category)
    return act_or_show(
        lambda: service.rename(db, provider, slug),
        show=lambda error: _manage_page(request, db, provider, error, slug=slug),
        then=_manage_path(category),
    )


def _manage_path(category: str) -> str:
    return f"/pro/profile/{category}"


@router.get("/pro/profile/{category}/{number:int}")
def builder_page(
    request: Request, db: Db, user: CurrentUser, category: str, number: int
) -> Response:
    """Show one page of the profile builder."""
    provider = queries.own_in(db, user.id, category)
    definition = service.definition_of(db, provider)
    controls = forms.form_values(definition.provider, provider.profile)
    return _builder(request, provider, definition, number, controls)


@router.post("/pro/profile/{category}/{number:int}")
def save_page(
    request: Request, db: Db, user: CurrentUser, category: str, number: int, posted: PostedForm
) -> Response:
    """Save one page; `go=stop` returns to the overview, otherwise the next page follows."""
    provider = queries.own_in(db, user.id, category)
    definition = service.definition_of(db, provider)
    page = service.page_of(definition, number)
    values = forms.parse_form(definition, definition.provider, page.fields, posted)
    stops = posted.get("go") == ["stop"] or number == len(definition.profile)
    manage_path = _manage_path(category)
    return act_or_show(
        lambda: service.save_page(db, provider, number, values),
        show=lambda error: _builder(request, provider, definition, number, posted, error),
        then=manage_path if stops else f"{manage_path}/{number + 1}",
    )


def _builder(
    request: Request,
    provider: Provider,
    definition: CategoryDefinition,
    number: int,
    controls: dict[str, list[str]],
    error: DomainError | None = None,
) -> Response:
    page = service.page_of(definition, number)
    fields = {name: definition.provider[name] for name in page.fields}
    context = {
        "provider": provider,
        "definition": definition,
        "page": page,
        "number": number,
        "total": len(definition.profile),
        "form": FormView(definition, fields, controls, errors=error.fields if error else ()),
        "approved": provider.status == ProviderStatus.APPROVED,
        "renaming_matters": provider.status == ProviderStatus.APPROVED
        and any(name in fields for name in rules.NAME_FIELDS),
    }
    return private_page(request, "providers/builder.html", context, error)
