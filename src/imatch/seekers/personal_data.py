"""What people's needs add to the export of their data, and lose with them."""

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.categories.models import Category
from imatch.core.security import new_token, token_hash
from imatch.facts import PersonErased, PersonExported
from imatch.seekers.models import NeedStatus, Seeker


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
    """Delete every need of the person; one that an engagement holds on to stays without a word."""
    for need in db.scalars(select(Seeker).where(Seeker.user_id == fact.user_id)).all():
        try:
            with db.begin_nested():
                db.execute(delete(Seeker).where(Seeker.id == need.id))
        except IntegrityError:
            need.answers, need.status = {"values": {}, "importance": {}}, NeedStatus.CLOSED
            need.token_hash = token_hash(new_token())  # the cookie opens it no more
            need.resume_code_hash = need.resume_expires_at = None
    db.flush()
