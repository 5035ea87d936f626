"""Export and erasure of shortlists and matches."""

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imatch.facts.people import PersonErased, PersonExported
from imatch.matches.models import Match, Shortlist
from imatch.needs.models import Need
from imatch.providers.models import Provider


def export(db: Session, fact: PersonExported) -> None:
    """Every shortlist and match of the person's needs with its whole explanation, oldest first."""
    mine = select(Need.id).where(Need.user_id == fact.user_id)
    shortlists = select(Shortlist).where(Shortlist.seeker_id.in_(mine)).order_by(Shortlist.id)
    matches = (
        select(Match, Provider.slug)
        .join(Provider, Provider.id == Match.provider_id)
        .where(Match.seeker_id.in_(mine))
        .order_by(Match.id)
    )
    fact.sections["shortlists"] = _shortlists(db.scalars(shortlists))
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
        for match, slug in db.execute(matches)
    ]


def erase(db: Session, fact: PersonErased) -> None:
    """Delete the person's own shortlists, and their matches on other people's shortlists.

    Needs and profiles that engagements hold on to stay blank, so nothing would cascade from them.
    """
    needs = select(Need.id).where(Need.user_id == fact.user_id)
    profiles = select(Provider.id).where(Provider.user_id == fact.user_id)
    db.execute(delete(Shortlist).where(Shortlist.seeker_id.in_(needs)))
    db.execute(delete(Match).where(Match.provider_id.in_(profiles)))


def _shortlists(found: Iterable[Shortlist]) -> list[dict[str, object]]:
    return [
        {
            "id": shortlist.id,
            "need_id": shortlist.seeker_id,
            "kind": shortlist.kind,
            "considered": shortlist.considered,
            "passed": shortlist.passed,
            "removed": shortlist.removed,
            "created_at": shortlist.created_at.isoformat(),
        }
        for shortlist in found
    ]
