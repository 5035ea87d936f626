"""Export and erase the profiles of a user."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.core.clock import now
from imatch.core.security import new_token
from imatch.facts.people import PersonErased, PersonExported
from imatch.providers.models import Provider, ProviderStatus

_MEASURED_COLUMNS = (
    "active_count",
    "shown_count",
    "invite_count",
    "accept_count",
    "pending_count",
    "completed_count",
    "repeat_count",
    "rating_sum",
    "rating_count",
    "response_minutes",
)


def export(db: Session, fact: PersonExported) -> None:
    """Add every profile of the user with its measures and decisions, oldest first."""
    rows = db.execute(
        select(Provider, Category.name)
        .join(Category, Category.id == Provider.category_id)
        .where(Provider.user_id == fact.user_id)
        .order_by(Provider.id)
    )
    fact.sections["profiles"] = [
        {
            "id": provider.id,
            "category": category,
            "slug": provider.slug,
            "status": provider.status,
            "profile": provider.profile,
            "verified_credentials": provider.verified_credentials,
            "accepting_new": provider.accepting_new,
            "capacity": provider.capacity,
            "paused_until": _iso(provider.paused_until),
            "verified_on": provider.verified_on,
            "decision_reason": provider.decision_reason,
            "created_at": provider.created_at.isoformat(),
            "submitted_at": _iso(provider.submitted_at),
            "decided_at": _iso(provider.decided_at),
            "last_active_at": _iso(provider.last_active_at),
            **{name: getattr(provider, name) for name in _MEASURED_COLUMNS},
        }
        for provider, category in rows
    ]


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def erase(db: Session, fact: PersonErased) -> None:
    """Delete the user's profiles. One that an engagement references is emptied instead."""
    for provider in db.scalars(select(Provider).where(Provider.user_id == fact.user_id)).all():
        try:
            with db.begin_nested():
                db.execute(delete(Provider).where(Provider.id == provider.id))
        except IntegrityError:
            _blank(provider)
    db.flush()


def _blank(provider: Provider) -> None:
    provider.slug = f"erased-{new_token()}".lower()
    provider.display_name = provider.headline = provider.decision_reason = ""
    provider.status, provider.accepting_new = ProviderStatus.DRAFT, False
    provider.profile, provider.verified_on = {}, {}
    provider.verified_credentials = []
    provider.updated_at = now()  # so that the pool reads the change
