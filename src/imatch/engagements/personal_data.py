"""Export the engagements of a user. Erasure keeps them, because they are the other side's too."""

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from imatch.engagements.models import Engagement
from imatch.facts.people import PersonErased, PersonExported, Side
from imatch.matches.models import Match
from imatch.needs.models import Need
from imatch.providers.models import Provider


def export(db: Session, fact: PersonExported) -> None:
    """Add every engagement of the user's needs and profiles, oldest first."""
    rows = db.execute(
        select(Engagement, Need.user_id)
        .join(Need, Need.id == Engagement.seeker_id)
        .join(Provider, Provider.id == Engagement.provider_id)
        .where(or_(Need.user_id == fact.user_id, Provider.user_id == fact.user_id))
        .order_by(Engagement.id)
    )
    fact.sections["engagements"] = [
        {
            "id": engagement.id,
            "side": Side.SEEKER if seeker_user_id == fact.user_id else Side.PROVIDER,
            "match_id": engagement.match_id,
            "status": engagement.status,
            "deal_cents": engagement.deal_cents,
            "created_at": engagement.created_at.isoformat(),
            "completed_at": engagement.completed_at and engagement.completed_at.isoformat(),
        }
        for engagement, seeker_user_id in rows
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Unlink the user's engagements from their matches, which contain personal data."""
    match_ids = (
        select(Match.id)
        .join(Need, Need.id == Match.seeker_id)
        .join(Provider, Provider.id == Match.provider_id)
        .where(or_(Need.user_id == fact.user_id, Provider.user_id == fact.user_id))
    )
    db.execute(update(Engagement).where(Engagement.match_id.in_(match_ids)).values(match_id=None))
