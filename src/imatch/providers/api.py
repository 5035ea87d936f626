"""JSON API of profiles: the public ones, and the caller's own."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from imatch.accounts.deps import CurrentUser
from imatch.categories import queries as categories
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.providers import queries, rules, service
from imatch.providers.schemas import (
    OwnProviderOut,
    OwnProviders,
    ProviderOut,
    ProviderPage,
    ValuesIn,
)
from imatch.web.deps import Cursor, Db, Limit
from imatch.web.problem import problems

CategoryName = Annotated[
    str,
    Path(max_length=64, description="A category's name.", examples=["financial_advisors"]),
]

router = APIRouter(tags=["providers"])


@router.get("/providers", responses=problems(404))
def list_providers(
    db: Db,
    category: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> ProviderPage:
    """Approved profiles in open categories, the oldest first."""
    if category is not None:
        categories.by_name(db, category)
    page = queries.public_page(db, category=category, cursor=cursor, limit=limit)
    moment = now()
    return ProviderPage(
        items=[
            rules.summary(provider, service.definition_of(db, provider), moment)
            for provider in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.get("/providers/{slug}", responses=problems(404))
def get_provider(db: Db, slug: Annotated[str, Path(max_length=100)]) -> ProviderOut:
    """One approved profile: everything that is public, and nothing that is not."""
    provider = queries.public_by_slug(db, slug)
    return rules.provider_out(provider, service.definition_of(db, provider), now())


@router.get("/me/providers")
def list_own_profiles(db: Db, user: CurrentUser) -> OwnProviders:
    """The caller's profiles, whatever their status."""
    return OwnProviders(
        items=[
            rules.own_provider_out(provider, service.definition_of(db, provider))
            for provider in queries.own(db, user.id)
        ]
    )


@router.put("/me/providers/{category}", responses=problems(404, 409))
def put_own_profile(
    db: Db, user: CurrentUser, category: CategoryName, body: ValuesIn
) -> OwnProviderOut:
    """Replace all values of the caller's profile in a category; starts a draft where none is.

    A changed name sends an approved profile back to the operators.
    """
    with atomic(db):
        provider = queries.find_own(db, user.id, category) or service.start(db, user, category)
        provider = service.replace(db, provider, body.values)
    return rules.own_provider_out(provider, service.definition_of(db, provider))


@router.post("/me/providers/{category}/submit", responses=problems(404, 409))
def submit_own_profile(db: Db, user: CurrentUser, category: CategoryName) -> OwnProviderOut:
    """Send the profile to the operators for approval. Twice is once."""
    provider = service.submit(db, queries.own_in(db, user.id, category))
    return rules.own_provider_out(provider, service.definition_of(db, provider))
