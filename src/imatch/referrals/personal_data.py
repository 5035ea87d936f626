"""Export the referrals of a user."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from imatch.facts.people import PersonExported
from imatch.referrals.models import Referral


def export(db: Session, fact: PersonExported) -> None:
    """Add the user's invitations, given and received, with time and code but without names."""
    referrals = db.scalars(
        select(Referral)
        .where(
            or_(
                Referral.referrer_user_id == fact.user_id, Referral.referred_user_id == fact.user_id
            )
        )
        .order_by(Referral.id)
    )
    fact.sections["referrals"] = [
        {
            "was": "inviting" if referral.referrer_user_id == fact.user_id else "invited",
            "code": referral.code,
            "created_at": referral.created_at.isoformat(),
        }
        for referral in referrals
    ]
