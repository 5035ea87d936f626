"""Announce ProfileCompleted for seekers with a complete need and a confirmed address."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.events import announce
from imatch.facts.people import EmailConfirmed, ProfileCompleted, Side
from imatch.needs.models import Need, NeedStatus
from imatch.needs.queries import definition_of


def need_completed(db: Session, need: Need) -> None:
    """Announce it if the need is complete, has an owner, and the owner's address is confirmed."""
    if need.user_id is None or need.status != NeedStatus.COMPLETE:
        return
    if db.get_one(User, need.user_id).email_confirmed_at is not None:
        off = frozenset(definition_of(db, need).rewards.off)
        announce(db, ProfileCompleted(need.user_id, Side.SEEKER, off))


def on_email_confirmed(db: Session, fact: EmailConfirmed) -> None:
    """Announce it for the user's complete needs, which waited only for the address."""
    query = select(Need).where(Need.user_id == fact.user_id, Need.status == NeedStatus.COMPLETE)
    for need in db.scalars(query.order_by(Need.id)).all():
        need_completed(db, need)
