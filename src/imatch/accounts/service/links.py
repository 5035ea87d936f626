"""Links sent by e-mail: each works once, for one purpose, and proves who reads an address."""

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.models import EmailedLink, LinkPurpose, User
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Gone
from imatch.core.security import new_token, token_hash


class LinkNotUsable(Gone):
    code = "link_not_usable"

    def __init__(self) -> None:
        super().__init__("This link was used already, or is too old. Ask for a new one.")


def issue(
    db: Session, user: User, purpose: LinkPurpose, lasts: timedelta, *, sent_to: str | None = None
) -> str:
    """A new link's token; earlier links for the same purpose stop working."""
    token = new_token()
    with atomic(db):
        void(db, user.id, purpose)
        db.add(
            EmailedLink(
                user_id=user.id,
                purpose=purpose,
                sent_to=sent_to or user.email,
                token_hash=token_hash(token),
                expires_at=now() + lasts,
            )
        )
    return token


def look(db: Session, token: str, *purposes: LinkPurpose) -> tuple[EmailedLink, User]:
    """The link and its owner, without using it. Raises LinkNotUsable."""
    found = queries.open_link(db, token, *purposes)
    if found is None:
        raise LinkNotUsable
    link, user = found
    # Whoever reads an address that the account had before proves nothing about it now.
    if link.purpose != LinkPurpose.CHANGE_EMAIL and link.sent_to != user.email:
        raise LinkNotUsable
    return link, user


def use(db: Session, token: str, purpose: LinkPurpose) -> tuple[EmailedLink, User]:
    """The link and its owner, for the one caller who gets it. Raises LinkNotUsable.

    The owner's row is locked until the transaction ends.
    """
    with atomic(db):
        link, user = look(db, token, purpose)
        user = queries.locked_user(db, user.id)
        # Of two that come at the same moment, one changes the row.
        taken = db.execute(
            update(EmailedLink)
            .where(EmailedLink.id == link.id, EmailedLink.used_at.is_(None))
            .values(used_at=now())
            .returning(EmailedLink.id)
        ).all()
        if not taken:
            raise LinkNotUsable
        return link, user


def void(db: Session, user_id: int, *purposes: LinkPurpose) -> None:
    """Let the user's open links for these purposes (none named: for all) stop working."""
    with atomic(db):
        held = update(EmailedLink).where(
            EmailedLink.user_id == user_id, EmailedLink.used_at.is_(None)
        )
        if purposes:
            held = held.where(EmailedLink.purpose.in_(purposes))
        db.execute(held.values(used_at=now()))
