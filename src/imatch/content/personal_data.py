"""What people published adds to the export of their data, and goes with them."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imatch.content.models import Content
from imatch.facts.people import PersonErased, PersonExported


def export(db: Session, fact: PersonExported) -> None:
    """Everything the person wrote for others, drafts included, oldest first."""
    written = select(Content).where(Content.author_user_id == fact.user_id)
    fact.sections["content"] = [
        {
            "kind": content.kind,
            "title": content.title,
            "body": content.body,
            "status": content.status,
            "created_at": content.created_at.isoformat(),
            "published_at": content.published_at and content.published_at.isoformat(),
        }
        for content in db.scalars(written.order_by(Content.id))
    ]


def erase(db: Session, fact: PersonErased) -> None:
    db.execute(delete(Content).where(Content.author_user_id == fact.user_id))
