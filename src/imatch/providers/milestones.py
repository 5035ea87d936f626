"""Tell the marketplace what a professional has reached: a whole profile, checks, fresh answers."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.categories import queries as categories
from imatch.categories.schemas import CategoryDefinition
from imatch.core.clock import today
from imatch.core.events import announce
from imatch.facts.marketplace import AvailabilityPublished, CredentialVerified, ProfileRefreshed
from imatch.facts.people import EmailConfirmed, ProfileCompleted
from imatch.providers import rules
from imatch.providers.models import Provider, ProviderStatus


def profile_saved(db: Session, provider: Provider, definition: CategoryDefinition) -> None:
    """Its owner wrote the profile: it may be whole now, and is fresh if it is public."""
    if db.get_one(User, provider.user_id).email_confirmed_at is not None:
        _complete(db, provider, definition)
    if provider.status == ProviderStatus.APPROVED:
        announce(db, ProfileRefreshed(provider.id, provider.user_id, today()))
        profile_published(db, provider)


def profile_published(db: Session, provider: Provider) -> None:
    """The profile is public, with the times that it states."""
    if provider.profile.get("windows"):
        announce(db, AvailabilityPublished(provider.id, provider.user_id))


def credentials_verified(db: Session, provider: Provider, kinds: Iterable[str]) -> None:
    """An operator checked credentials that were not verified before."""
    for kind in kinds:
        number = credential_number(provider.user_id, kind)
        announce(db, CredentialVerified(number, provider.user_id))


def credential_number(user_id: int, kind: str) -> int:
    """One number for a person's licence, on whichever of their profiles it stands."""
    digest = hashlib.sha256(f"{user_id}:{kind}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1  # fits a signed column


def on_email_confirmed(db: Session, fact: EmailConfirmed) -> None:
    """Profiles that waited for nothing but the address are complete now."""
    mine = select(Provider).where(Provider.user_id == fact.user_id).order_by(Provider.id)
    for provider in db.scalars(mine).all():
        _complete(db, provider, categories.by_id(db, provider.category_id).definition)


def _complete(db: Session, provider: Provider, definition: CategoryDefinition) -> None:
    if rules.completeness(definition, provider.profile).may_submit:
        off = frozenset(definition.rewards.off)
        announce(db, ProfileCompleted(provider.user_id, "provider", off))
