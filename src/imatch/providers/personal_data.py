"""What professionals' profiles add to the export of their data, and lose with them."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.core.clock import now
from imatch.core.security import new_token
from imatch.facts.people import PersonErased, PersonExported
from imatch.providers.models import Provider, ProviderStatus

_MEASURED = (
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
    """Every profile of the person, with what was measured and decided, oldest first."""
    found = db.execute(
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
            "paused_until": _moment(provider.paused_until),
            "verified_on": provider.verified_on,
            "decision_reason": provider.decision_reason,
            "created_at": provider.created_at.isoformat(),
            "submitted_at": _moment(provider.submitted_at),
            "decided_at": _moment(provider.decided_at),
            "last_active_at": _moment(provider.last_active_at),
            **{name: getattr(provider, name) for name in _MEASURED},
        }
        for provider, category in found
    ]


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def erase(db: Session, fact: PersonErased) -> None:
    """Delete every profile of the person; one that an engagement holds on to stays blank."""
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
    provider.updated_at = now()  # the matching index asks what is newer
