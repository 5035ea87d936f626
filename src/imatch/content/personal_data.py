"""Export and delete the content of a user."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imatch.content.models import Content
from imatch.facts.people import PersonErased, PersonExported


def export(db: Session, fact: PersonExported) -> None:
    """Add everything the user wrote, drafts included, oldest first."""
    query = select(Content).where(Content.author_user_id == fact.user_id)
    fact.sections["content"] = [
        {
            "kind": content.kind,
            "title": content.title,
            "body": content.body,
            "status": content.status,
            "created_at": content.created_at.isoformat(),
            "published_at": content.published_at and content.published_at.isoformat(),
        }
        for content in db.scalars(query.order_by(Content.id))
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Delete everything the user wrote."""
    db.execute(delete(Content).where(Content.author_user_id == fact.user_id))
