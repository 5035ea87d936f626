"""Export and erase the needs of a user."""

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.core.security import new_token, token_hash
from imatch.facts.people import PersonErased, PersonExported
from imatch.needs.models import Need, NeedStatus


def export(db: Session, fact: PersonExported) -> None:
    """Add every need of the user with its answers, oldest first."""
    rows = db.execute(
        select(Need, Category.name)
        .join(Category, Category.id == Need.category_id)
        .where(Need.user_id == fact.user_id)
        .order_by(Need.id)
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
        for need, category in rows
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Delete the user's needs. One that an engagement references is emptied and closed instead."""
    for need in db.scalars(select(Need).where(Need.user_id == fact.user_id)).all():
        try:
            with db.begin_nested():
                db.execute(delete(Need).where(Need.id == need.id))
        except IntegrityError:
            need.answers, need.status = {"values": {}, "importance": {}}, NeedStatus.CLOSED
            need.token_hash = token_hash(new_token())  # invalidates the cookie
            need.resume_code_hash = need.resume_expires_at = None
    db.flush()
