"""Change one's own name, password, address and account type."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.errors import BadEmail
from imatch.accounts.models import AccountType, LinkPurpose, User, UserSession
from imatch.accounts.rules import (
    CONFIRM_LINK_LIFETIME,
    MAILS_PER_EMAIL,
    NAME_MAX_CHARACTERS,
    password_fault,
    read_email,
    read_line,
)
from imatch.accounts.service import letters, links, recovery, sessions
from imatch.accounts.service.recovery import BadPassword
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid
from imatch.core.security import hash_password
from imatch.throttling import service as throttling


class BadName(Invalid):
    code = "bad_name"


class AddressTaken(Conflict):
    code = "address_taken"


def rename(db: Session, user: User, name: str) -> None:
    """Change the user's name. Raises BadName."""
    line = read_line(name, NAME_MAX_CHARACTERS)
    if line is None:
        message = f"Say how we may call you, in 1 to {NAME_MAX_CHARACTERS} characters."
        raise BadName(message, fields=(FieldError("name", message, "name"),))
    with atomic(db):
        user.name = line


def change_password(db: Session, user: User, session: UserSession, password: str) -> str:
    """Set the password and end every other session. Returns this session's new token.

    Callers must have required a step-up. Raises BadPassword.
    """
    fault = password_fault(password, email=user.email, name=user.name)
    if fault:
        raise BadPassword(fault)
    password_hash = hash_password(password)
    with atomic(db):
        recovery.set_password(db, user, password_hash)
        sessions.end_all(db, user.id, but=session)
        return sessions.step_up(db, session)


def ask_for_new_email(db: Session, user: User, email: str) -> None:
    """Mail a link to the new address and a warning to the old one.

    If the address belongs to another account, the result is the same but the letter differs.
    Callers must have required a step-up. Raises BadEmail, TooManyTries.
    """
    address = read_email(email)
    if address is None or address == user.email:
        raise BadEmail
    throttling.admit(db, (MAILS_PER_EMAIL, address), (MAILS_PER_EMAIL, user.email))
    with atomic(db):
        letters.credentials_changed(
            db, user.email, f"somebody asked to use {address} in place of this address"
        )
        if queries.user_by_email(db, address) is not None:
            letters.already_registered(db, address)
            return
        token = links.issue(
            db, user, LinkPurpose.CHANGE_EMAIL, CONFIRM_LINK_LIFETIME, sent_to=address
        )
        letters.confirm_new_address(db, address, token)


def confirm_new_email(db: Session, *, token: str) -> None:
    """Change the address to the link's. Raises LinkNotUsable, AddressTaken."""
    with atomic(db):
        link, user = links.use(db, token, LinkPurpose.CHANGE_EMAIL)
        old, user.email = user.email, link.sent_to
        try:
            with db.begin_nested():
                db.flush()
        except IntegrityError as error:
            raise AddressTaken("This address belongs to another account by now.") from error
        letters.credentials_changed(db, old, f"{user.email} took the place of this address")


def become_provider(db: Session, user: User) -> None:
    """Turn a seeker's account into one of both kinds; other account types stay unchanged."""
    if user.account_type == AccountType.SEEKER:
        with atomic(db):
            user.account_type = AccountType.BOTH
