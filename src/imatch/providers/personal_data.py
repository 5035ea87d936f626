"""What professionals' profiles add to the export of their data, and lose with them."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.facts import PersonErased, PersonExported
from imatch.providers.models import Provider


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
            "shown_count": provider.shown_count,
            "decision_reason": provider.decision_reason,
            "created_at": provider.created_at.isoformat(),
        }
        for provider, category in found
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Delete every profile of the person, also where the books keep their nameless number."""
    db.execute(delete(Provider).where(Provider.user_id == fact.user_id))
