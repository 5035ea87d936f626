"""What people's needs add to the export of their data, and lose with them."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.facts import PersonErased, PersonExported
from imatch.seekers.models import Seeker


def export(db: Session, fact: PersonExported) -> None:
    """Every need of the person with its answers, oldest first."""
    found = db.execute(
        select(Seeker, Category.name)
        .join(Category, Category.id == Seeker.category_id)
        .where(Seeker.user_id == fact.user_id)
        .order_by(Seeker.id)
    )
    fact.sections["needs"] = [
        {
            "id": need.id,
            "category": category,
            "status": need.status,
            "answers": need.answers,
            "created_at": need.created_at.isoformat(),
            "completed_at": need.completed_at and need.completed_at.isoformat(),
        }
        for need, category in found
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Delete every need of the person, also where the books keep their nameless number."""
    db.execute(delete(Seeker).where(Seeker.user_id == fact.user_id))
