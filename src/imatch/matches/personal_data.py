"""What the people suggested to somebody add to the export of that person's data."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.facts import PersonExported
from imatch.matches.models import Match
from imatch.providers.models import Provider
from imatch.seekers.models import Seeker


def export(db: Session, fact: PersonExported) -> None:
    """Every match of the person's needs with its whole explanation, oldest first."""
    found = db.execute(
        select(Match, Provider.slug)
        .join(Seeker, Seeker.id == Match.seeker_id)
        .join(Provider, Provider.id == Match.provider_id)
        .where(Seeker.user_id == fact.user_id)
        .order_by(Match.id)
    )
    fact.sections["matches"] = [
        {
            "id": match.id,
            "need_id": match.seeker_id,
            "professional": slug,
            "position": match.position,
            "status": match.status,
            "fit": match.fit,
            "explanation": match.explanation,
            "created_at": match.created_at.isoformat(),
        }
        for match, slug in found
    ]
