"""Export the ratings of a user. Erasure removes the reviews and keeps the stars."""

from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, aliased

from imatch.core.clock import now
from imatch.facts.people import PersonErased, PersonExported
from imatch.ratings.models import Rating

_SEALED_DAYS = 14


def export(db: Session, fact: PersonExported) -> None:
    """Add the ratings that the user gave, and those received that they may read.

    A received rating is sealed until the user rated the other side too, or for _SEALED_DAYS. The
    export does not include who gave it, which is the rater's personal data.
    """
    own = aliased(Rating)
    has_rated_too = (
        select(own.id)
        .where(own.engagement_id == Rating.engagement_id, own.rater_user_id == fact.user_id)
        .exists()
    )
    unsealed = or_(has_rated_too, Rating.created_at <= now() - timedelta(days=_SEALED_DAYS))
    received = Rating.rated_user_id == fact.user_id
    ratings = db.scalars(
        select(Rating)
        .where(or_(Rating.rater_user_id == fact.user_id, received & unsealed))
        .order_by(Rating.id)
    )
    fact.sections["ratings"] = [
        {
            "engagement_id": rating.engagement_id,
            "given_or_received": "given" if rating.rater_user_id == fact.user_id else "received",
            "stars": rating.stars,
            "review": rating.review,
            "created_at": rating.created_at.isoformat(),
        }
        for rating in ratings
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Delete the texts of ratings by and about the user; the stars stay."""
    is_users = or_(Rating.rater_user_id == fact.user_id, Rating.rated_user_id == fact.user_id)
    db.execute(update(Rating).where(is_users).values(review=""))
