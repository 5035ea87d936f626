"""Tell the marketplace that somebody's intake is whole and their address confirmed."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.events import announce
from imatch.facts.people import EmailConfirmed, ProfileCompleted
from imatch.needs.models import Need, NeedStatus
from imatch.needs.queries import definition_of


def need_completed(db: Session, need: Need) -> None:
    """The need is complete and has an owner, whichever came last."""
    if need.user_id is None or need.status != NeedStatus.COMPLETE:
        return
    if db.get_one(User, need.user_id).email_confirmed_at is not None:
        off = frozenset(definition_of(db, need).rewards.off)
        announce(db, ProfileCompleted(need.user_id, "seeker", off))


def on_email_confirmed(db: Session, fact: EmailConfirmed) -> None:
    """Needs that waited for nothing but the address are complete now."""
    mine = select(Need).where(Need.user_id == fact.user_id, Need.status == NeedStatus.COMPLETE)
    for need in db.scalars(mine.order_by(Need.id)).all():
        need_completed(db, need)
