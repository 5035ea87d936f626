"""What happens to a profile: its owner starts, fills, sends, pauses and renames it."""

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

LONGEST_PAUSE = timedelta(days=730)
_SLUG_TRIES = 30
_SHORTEST_SLUG = 2
UNSENT = (ProviderStatus.DRAFT, ProviderStatus.REJECTED)


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
    """The definition in force of the profile's category."""
    return categories.by_id(db, provider.category_id).definition


def page_of(definition: CategoryDefinition, number: int) -> FormPage:
    """A page of the builder, from 1. Raises UnknownPage."""
    if not 1 <= number <= len(definition.profile):
        raise UnknownPage
    return definition.profile[number - 1]


def start(db: Session, user: User, category: str) -> Provider:
    """A person's draft in an open category; starting again finds the first one.

    Raises UnknownCategory or InactiveCategory.
    """
    with atomic(db):
        row = categories.active_by_name(db, category)
        # Two clicks at once start one profile: whoever comes second waits here.
        owner = db.scalars(select(User).where(User.id == user.id).with_for_update()).one()
        existing = find_own(db, owner.id, category)
        if existing is not None:
            return existing
        become_provider(db, owner)
        provider = Provider(
            user_id=owner.id,
            category_id=row.id,
            slug=f"draft-{secrets.token_hex(8)}",  # a name is not known yet
            profile={},
        )
        db.add(provider)
        db.flush()
    return provider


def save_page(db: Session, provider: Provider, number: int, values: Mapping[str, Any]) -> Provider:
    """Replace what one page of the builder holds.

    A draft may leave required fields empty. Raises UnknownPage, InvalidProfile.
    """
    with atomic(db):
        held = locked(db, provider.id)
        definition = definition_of(db, held)
        page = page_of(definition, number)
        fields = {name: definition.provider[name] for name in page.fields}
        sent = held.status not in UNSENT
        clean, errors = forms.validate(definition, fields, values, require=sent)
        if errors:
            raise InvalidProfile(errors)
        kept = {name: value for name, value in held.profile.items() if name not in fields}
        _write(db, held, definition, kept | clean)
    return held


def replace(db: Session, provider: Provider, values: object) -> Provider:
    """Replace the whole profile, for programs. Raises InvalidProfile."""
    with atomic(db):
        held = locked(db, provider.id)
        definition = definition_of(db, held)
        sent = held.status not in UNSENT
        clean, errors = forms.validate(definition, definition.provider, values, require=sent)
        if errors:
            raise InvalidProfile(errors)
        _write(db, held, definition, clean)
    return held


def submit(db: Session, provider: Provider) -> Provider:
    """Send a complete draft, or a rejected profile, to the operators. Twice is once.

    Raises ProfileIncomplete, EmailNotConfirmed.
    """
    with atomic(db):
        held = locked(db, provider.id)
        if held.status not in UNSENT:
            return held
        definition = definition_of(db, held)
        missing = rules.completeness(definition, held.profile).required
        if missing:
            raise ProfileIncomplete(missing)
        if db.get_one(User, held.user_id).email_confirmed_at is None:
            raise EmailNotConfirmed
        if held.decided_at is None:
            _take_free_slug(db, held, definition)
        _queue(db, held, definition)
    return held


def pause(db: Session, provider: Provider, until: date | None = None) -> Provider:
    """Take no new clients, for now or until the morning (UTC) of a day. Raises Invalid."""
    if until is not None and not today() < until <= today() + LONGEST_PAUSE:
        fault = FieldError("until", "Choose a day after today, within two years.", "until")
        raise Invalid("That day cannot be used.", fields=(fault,))
    with atomic(db):
        held = locked(db, provider.id)
        held.accepting_new = until is not None  # a pause with an end ends by itself
        held.paused_until = datetime.combine(until, time.min, UTC) if until else None
        held.updated_at = now()
    return held


def resume(db: Session, provider: Provider) -> Provider:
    """Take new clients again."""
    with atomic(db):
        held = locked(db, provider.id)
        held.accepting_new = True
        held.paused_until = None
        held.updated_at = now()
    return held


def set_capacity(db: Session, provider: Provider, capacity: object) -> Provider:
    """How many new clients fit in at once. Raises InvalidProfile."""
    with atomic(db):
        held = locked(db, provider.id)
        definition = definition_of(db, held)
        fields = {"capacity": definition.provider["capacity"]}
        clean, errors = forms.validate(definition, fields, {"capacity": capacity}, require=True)
        if errors:
            raise InvalidProfile(errors)
        _write(db, held, definition, held.profile | clean)
    return held


def rename(db: Session, provider: Provider, wanted: str) -> Provider:
    """Give the public page another readable address. Raises Invalid, SlugTaken."""
    slug = rules.slug_of(wanted)
    if len(slug) < _SHORTEST_SLUG:
        fault = FieldError("slug", "Use at least two letters or digits.", "slug")
        raise Invalid("That address cannot be used.", fields=(fault,))
    with atomic(db):
        held = locked(db, provider.id)
        if held.slug != slug and not _claim(db, held, slug):
            raise SlugTaken
    return held


def locked(db: Session, provider_id: int) -> Provider:
    """The row as it is now, for writing: whoever else writes it waits. Raises UnknownProvider."""
    query = select(Provider).where(Provider.id == provider_id).with_for_update()
    # What was read before the wait for the lock is old.
    held = db.scalar(query.execution_options(populate_existing=True))
    if held is None:
        raise UnknownProvider
    return held


def _write(
    db: Session, held: Provider, definition: CategoryDefinition, values: dict[str, Any]
) -> None:
    before = held.profile
    if held.status == ProviderStatus.APPROVED:
        if rules.names_changed(before, values):
            _queue(db, held, definition)
        elif before.get(rules.CREDENTIALS) != values.get(rules.CREDENTIALS):
            unchecked = rules.unverified_types(values, _still_verified(held, values))
            held.credentials_changed_at = now() if unchecked else None
    held.verified_credentials = _still_verified(held, values)
    held.verified_on = {
        kind: day for kind, day in held.verified_on.items() if kind in held.verified_credentials
    }
    held.profile = values
    held.display_name = values.get("display_name", "")
    held.headline = values.get("headline", "")
    held.capacity = values.get("capacity", 1)
    held.updated_at = now()  # also when nothing differs: the matching index asks what is newer
    milestones.profile_saved(db, held, definition)


def _still_verified(held: Provider, values: dict[str, Any]) -> list[str]:
    return rules.still_verified(held.verified_credentials, held.profile, values)


def _queue(db: Session, held: Provider, definition: CategoryDefinition) -> None:
    held.status = ProviderStatus.PENDING
    held.submitted_at = held.updated_at = now()
    held.credentials_changed_at = None  # seen with the rest
    announce(db, ProviderSubmitted(held.id, held.user_id, definition.name))


def _take_free_slug(db: Session, held: Provider, definition: CategoryDefinition) -> None:
    if not held.slug.startswith("draft-"):
        return  # chosen by its owner
    base = rules.slug_of(held.display_name)
    if len(base) < _SHORTEST_SLUG:
        base = rules.slug_of(f"{held.display_name} {definition.singular}")
    wanted = [base, *(f"{base}-{number}" for number in range(2, _SLUG_TRIES))]
    taken = taken_slugs(db, wanted)
    free = [slug for slug in wanted if slug not in taken]
    for slug in [*free[:2], f"{base}-{secrets.token_hex(4)}"]:
        if _claim(db, held, slug):
            return


def _claim(db: Session, held: Provider, slug: str) -> bool:
    """Whether the address could be taken; somebody else may be faster."""
    try:
        with db.begin_nested():
            held.slug = slug
            held.updated_at = now()
    except IntegrityError:
        db.refresh(held)
        return False
    return True
