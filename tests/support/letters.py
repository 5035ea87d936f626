"""The mail that went out."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.mail.models import MailMessage

Letters = Callable[[str], list[MailMessage]]


def letters_to(db: Session, address: str) -> list[MailMessage]:
    """The messages to an address, oldest first, as they stand in the database now."""
    with atomic(db):
        theirs = select(MailMessage).where(MailMessage.recipient == address)
        return list(db.scalars(theirs.order_by(MailMessage.id)))
