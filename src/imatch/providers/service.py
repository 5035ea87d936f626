"""Operations of an owner on a profile: start, save, submit, pause, resume, rename."""

import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.service import become_provider
from imatch.categories import forms
from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition, FormPage
from imatch.core.clock import now, today
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid, NotFound
from imatch.core.events import announce
from imatch.facts.marketplace import ProviderSubmitted
from imatch.providers import milestones, rules
from imatch.providers.models import Provider, ProviderStatus
from imatch.providers.queries import UnknownProvider, find_own, taken_slugs

MAX_PAUSE = timedelta(days=730)
_MAX_SLUG_NUMBER = 30
_MIN_SLUG_CHARACTERS = 2
UNSUBMITTED_STATUSES = (ProviderStatus.DRAFT, ProviderStatus.REJECTED)


class InvalidProfile(Invalid):
    code = "invalid_profile"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("Some answers are not usable. Nothing was saved.", fields=tuple(errors))


class UnknownPage(NotFound):
    code = "unknown_page"

    def __init__(self) -> None:
        super().__init__("The profile has no such page.")


class ProfileIncomplete(Conflict):
    code = "profile_incomplete"

    def __init__(self, gaps: tuple[rules.Gap, ...]) -> None:
        super().__init__(
            "Fill in what is still missing, then send the profile for approval.",
            fields=tuple(FieldError(gap.field, f"“{gap.label}” is missing.") for gap in gaps),
        )


class EmailNotConfirmed(Conflict):
    code = "email_not_confirmed"

    def __init__(self) -> None:
        super().__init__(
            "Confirm your e-mail address first: we write to it when your profile is decided on."
        )


class SlugTaken(Invalid):
    code = "slug_taken"

    def __init__(self) -> None:
        super().__init__(
            "That address is taken.",
            fields=(FieldError("slug", "Choose another address; this one is taken.", "slug"),),
        )


def definition_of(db: Session, provider: Provider) -> CategoryDefinition:
    """The present definition of the profile's category."""
    return categories.by_id(db, provider.category_id).definition


def page_of(definition: CategoryDefinition, number: int) -> FormPage:
    """A page of the builder, from 1. Raises UnknownPage."""
    if not 1 <= number <= len(definition.profile):
        raise UnknownPage
    return definition.profile[number - 1]


def start(db: Session, user: User, category: str) -> Provider:
    """Create the user's draft in an open category, or return the existing profile.

    Raises UnknownCategory or InactiveCategory.
    """
    with atomic(db):
        row = categories.active_by_name(db, category)
        # Lock the user, so that concurrent calls create one profile.
        owner = db.scalars(select(User).where(User.id == user.id).with_for_update()).one()
        existing = find_own(db, owner.id, category)
        if existing is not None:
            return existing
        become_provider(db, owner)
        provider = Provider(
            user_id=owner.id,
            category_id=row.id,
            slug=f"draft-{secrets.token_hex(8)}",  # replaced by the name's slug on submission
            profile={},
        )
        db.add(provider)
        db.flush()
    return provider


def save_page(db: Session, provider: Provider, number: int, values: Mapping[str, Any]) -> Provider:
    """Replace the values of one page of the builder.

    Drafts may leave required fields empty. Raises UnknownPage, InvalidProfile.
    """
    with atomic(db):
        provider = locked_provider(db, provider.id)
        definition = definition_of(db, provider)
        page = page_of(definition, number)
        fields = {name: definition.provider[name] for name in page.fields}
        submitted = provider.status not in UNSUBMITTED_STATUSES
        clean, errors = forms.validate(definition, fields, values, require=submitted)
        if errors:
            raise InvalidProfile(errors)
        other_values = {
            name: value for name, value in provider.profile.items() if name not in fields
        }
        _save_values(db, provider, definition, other_values | clean)
    return provider


def replace(db: Session, provider: Provider, values: object) -> Provider:
    """Replace all values of the profile, for the API. Raises InvalidProfile."""
    with atomic(db):
        provider = locked_provider(db, provider.id)
        definition = definition_of(db, provider)
        submitted = provider.status not in UNSUBMITTED_STATUSES
        clean, errors = forms.validate(definition, definition.provider, values, require=submitted)
        if errors:
            raise InvalidProfile(errors)
        _save_values(db, provider, definition, clean)
    return provider


def submit(db: Session, provider: Provider) -> Provider:
    """Submit a complete draft or rejected profile for approval. Idempotent.

    Raises ProfileIncomplete, EmailNotConfirmed.
    """
    with atomic(db):
        provider = locked_provider(db, provider.id)
        if provider.status not in UNSUBMITTED_STATUSES:
            return provider
        definition = definition_of(db, provider)
        missing = rules.completeness(definition, provider.profile).required
        if missing:
            raise ProfileIncomplete(missing)
        if db.get_one(User, provider.user_id).email_confirmed_at is None:
            raise EmailNotConfirmed
        if provider.decided_at is None:
            _set_free_slug(db, provider, definition)
        _queue_for_approval(db, provider, definition)
    return provider


def pause(db: Session, provider: Provider, until: date | None = None) -> Provider:
    """Take no new clients, until further notice or until a day (UTC). Raises Invalid."""
    if until is not None and not today() < until <= today() + MAX_PAUSE:
        error = FieldError("until", "Choose a day after today, within two years.", "until")
        raise Invalid("That day cannot be used.", fields=(error,))
    with atomic(db):
        provider = locked_provider(db, provider.id)
        # A pause with an end is expressed by paused_until alone, so that it expires by itself.
        provider.accepting_new = until is not None
        provider.paused_until = datetime.combine(until, time.min, UTC) if until else None
        provider.updated_at = now()
    return provider


def resume(db: Session, provider: Provider) -> Provider:
    """Take new clients again."""
    with atomic(db):
        provider = locked_provider(db, provider.id)
        provider.accepting_new = True
        provider.paused_until = None
        provider.updated_at = now()
    return provider


def set_capacity(db: Session, provider: Provider, capacity: object) -> Provider:
    """Set how many new clients the provider takes at once. Raises InvalidProfile."""
    with atomic(db):
        provider = locked_provider(db, provider.id)
        definition = definition_of(db, provider)
        fields = {"capacity": definition.provider["capacity"]}
        clean, errors = forms.validate(definition, fields, {"capacity": capacity}, require=True)
        if errors:
            raise InvalidProfile(errors)
        _save_values(db, provider, definition, provider.profile | clean)
    return provider


def rename(db: Session, provider: Provider, text: str) -> Provider:
    """Change the slug of the public page. Raises Invalid, SlugTaken."""
    slug = rules.slug_of(text)
    if len(slug) < _MIN_SLUG_CHARACTERS:
        error = FieldError("slug", "Use at least two letters or digits.", "slug")
        raise Invalid("That address cannot be used.", fields=(error,))
    with atomic(db):
        provider = locked_provider(db, provider.id)
        if provider.slug != slug and not _try_slug(db, provider, slug):
            raise SlugTaken
    return provider


def locked_provider(db: Session, provider_id: int) -> Provider:
    """Lock the provider's row and read it anew. Raises UnknownProvider."""
    query = select(Provider).where(Provider.id == provider_id).with_for_update()
    provider = db.scalar(query.execution_options(populate_existing=True))
    if provider is None:
        raise UnknownProvider
    return provider


def _save_values(
    db: Session, provider: Provider, definition: CategoryDefinition, values: dict[str, Any]
) -> None:
    before = provider.profile
    if provider.status == ProviderStatus.APPROVED:
        if rules.names_changed(before, values):
            _queue_for_approval(db, provider, definition)
        elif before.get(rules.CREDENTIALS) != values.get(rules.CREDENTIALS):
            unchecked = rules.unverified_types(values, _still_verified(provider, values))
            provider.credentials_changed_at = now() if unchecked else None
    provider.verified_credentials = _still_verified(provider, values)
    provider.verified_on = {
        kind: day
        for kind, day in provider.verified_on.items()
        if kind in provider.verified_credentials
    }
    provider.profile = values
    provider.display_name = values.get("display_name", "")
    provider.headline = values.get("headline", "")
    provider.capacity = values.get("capacity", 1)
    provider.updated_at = now()  # always, because the pool reads by it
    milestones.profile_saved(db, provider, definition)


def _still_verified(provider: Provider, values: dict[str, Any]) -> list[str]:
    return rules.still_verified(provider.verified_credentials, provider.profile, values)


def _queue_for_approval(db: Session, provider: Provider, definition: CategoryDefinition) -> None:
    provider.status = ProviderStatus.PENDING
    provider.submitted_at = provider.updated_at = now()
    provider.credentials_changed_at = None  # operators check them with the profile
    announce(db, ProviderSubmitted(provider.id, provider.user_id, definition.name))


def _set_free_slug(db: Session, provider: Provider, definition: CategoryDefinition) -> None:
    if not provider.slug.startswith("draft-"):
        return  # has a slug already
    base = rules.slug_of(provider.display_name)
    if len(base) < _MIN_SLUG_CHARACTERS:
        base = rules.slug_of(f"{provider.display_name} {definition.singular}")
    candidates = [base, *(f"{base}-{number}" for number in range(2, _MAX_SLUG_NUMBER))]
    taken = taken_slugs(db, candidates)
    free = [slug for slug in candidates if slug not in taken]
    for slug in [*free[:2], f"{base}-{secrets.token_hex(4)}"]:
        if _try_slug(db, provider, slug):
            return


def _try_slug(db: Session, provider: Provider, slug: str) -> bool:
    """Set the slug. Returns False if another profile took it concurrently."""
    try:
        with db.begin_nested():
            provider.slug = slug
            provider.updated_at = now()
    except IntegrityError:
        db.refresh(provider)
        return False
    return True
