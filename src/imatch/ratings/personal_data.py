"""What people's ratings add to the export of their data, and what stays of them when they go."""

from datetime import timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, aliased

from imatch.core.clock import now
from imatch.facts.people import PersonErased, PersonExported
from imatch.ratings.models import Rating

_SEALED_DAYS = 14


def export(db: Session, fact: PersonExported) -> None:
    """What the person said, and what was said of them as soon as they may read it.

    A rating of them is sealed until they rated too or _SEALED_DAYS have passed. Who gave it is the
    other side's to tell.
    """
    own = aliased(Rating)
    answered = (
        select(own.id)
        .where(own.engagement_id == Rating.engagement_id, own.rater_user_id == fact.user_id)
        .exists()
    )
    opened = or_(answered, Rating.created_at <= now() - timedelta(days=_SEALED_DAYS))
    received = Rating.rated_user_id == fact.user_id
    found = db.scalars(
        select(Rating)
        .where(or_(Rating.rater_user_id == fact.user_id, received & opened))
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
        for rating in found
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Forget the words by and about the person; the stars stay with whom they were given to."""
    theirs = or_(Rating.rater_user_id == fact.user_id, Rating.rated_user_id == fact.user_id)
    db.execute(update(Rating).where(theirs).values(review=""))
