"""Announce a provider's milestones: complete profile, verified credentials, refreshed profile."""

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
from imatch.facts.people import EmailConfirmed, ProfileCompleted, Side
from imatch.providers import rules
from imatch.providers.models import Provider, ProviderStatus


def profile_saved(db: Session, provider: Provider, definition: CategoryDefinition) -> None:
    """Announce what a saved profile reached: completion, and a refresh if it is public."""
    if db.get_one(User, provider.user_id).email_confirmed_at is not None:
        _announce_if_complete(db, provider, definition)
    if provider.status == ProviderStatus.APPROVED:
        announce(db, ProfileRefreshed(provider.id, provider.user_id, today()))
        profile_published(db, provider)


def profile_published(db: Session, provider: Provider) -> None:
    """Announce that a public profile states its availability, if it does."""
    if provider.profile.get("windows"):
        announce(db, AvailabilityPublished(provider.id, provider.user_id))


def credentials_verified(db: Session, provider: Provider, kinds: Iterable[str]) -> None:
    """Announce each newly verified credential type."""
    for kind in kinds:
        number = credential_number(provider.user_id, kind)
        announce(db, CredentialVerified(number, provider.user_id))


def credential_number(user_id: int, kind: str) -> int:
    """A stable 63-bit number for a user's credential type, the same on all of their profiles."""
    digest = hashlib.sha256(f"{user_id}:{kind}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1  # fits a signed 64-bit column


def on_email_confirmed(db: Session, fact: EmailConfirmed) -> None:
    """Announce the user's complete profiles, which waited only for the address."""
    query = select(Provider).where(Provider.user_id == fact.user_id).order_by(Provider.id)
    for provider in db.scalars(query).all():
        _announce_if_complete(db, provider, categories.by_id(db, provider.category_id).definition)


def _announce_if_complete(db: Session, provider: Provider, definition: CategoryDefinition) -> None:
    if rules.completeness(definition, provider.profile).may_submit:
        off = frozenset(definition.rewards.off)
        announce(db, ProfileCompleted(provider.user_id, Side.PROVIDER, off))
