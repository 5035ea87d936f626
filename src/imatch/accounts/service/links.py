"""Links sent by e-mail. Each works once, for one purpose, and proves who reads the address."""

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
    db: Session,
    user: User,
    purpose: LinkPurpose,
    lifetime: timedelta,
    *,
    sent_to: str | None = None,
) -> str:
    """Create a link and return its token. Voids the user's earlier links for the same purpose."""
    token = new_token()
    with atomic(db):
        void(db, user.id, purpose)
        db.add(
            EmailedLink(
                user_id=user.id,
                purpose=purpose,
                sent_to=sent_to or user.email,
                token_hash=token_hash(token),
                expires_at=now() + lifetime,
            )
        )
    return token


def find(db: Session, token: str, *purposes: LinkPurpose) -> tuple[EmailedLink, User]:
    """Return the link and its owner without using it up. Raises LinkNotUsable."""
    link_and_owner = queries.open_link(db, token, *purposes)
    if link_and_owner is None:
        raise LinkNotUsable
    link, user = link_and_owner
    # A link to a former address proves nothing about the account's present address.
    if link.purpose != LinkPurpose.CHANGE_EMAIL and link.sent_to != user.email:
        raise LinkNotUsable
    return link, user


def use(db: Session, token: str, purpose: LinkPurpose) -> tuple[EmailedLink, User]:
    """Use the link up and return it with its owner. Of concurrent callers, one succeeds.

    Locks the owner's row until the transaction ends. Raises LinkNotUsable.
    """
    with atomic(db):
        link, user = find(db, token, purpose)
        user = queries.locked_user(db, user.id)
        used = db.execute(
            update(EmailedLink)
            .where(EmailedLink.id == link.id, EmailedLink.used_at.is_(None))
            .values(used_at=now())
            .returning(EmailedLink.id)
        ).all()
        if not used:
            raise LinkNotUsable
        return link, user


def void(db: Session, user_id: int, *purposes: LinkPurpose) -> None:
    """Void the user's unused links for these purposes, or for all if none is given."""
    with atomic(db):
        statement = update(EmailedLink).where(
            EmailedLink.user_id == user_id, EmailedLink.used_at.is_(None)
        )
        if purposes:
            statement = statement.where(EmailedLink.purpose.in_(purposes))
        db.execute(statement.values(used_at=now()))
