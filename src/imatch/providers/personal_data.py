"""What professionals' profiles add to the export of their data."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.facts import PersonExported
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
