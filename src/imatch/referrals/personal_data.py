"""What people's invitations add to the export of their data."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from imatch.facts.people import PersonExported
from imatch.referrals.models import Referral


def export(db: Session, fact: PersonExported) -> None:
    """Whom the person invited, and that they were: when, and with which code. Nobody is named."""
    found = db.scalars(
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
        for referral in found
    ]
