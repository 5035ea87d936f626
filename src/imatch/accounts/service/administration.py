"""What operators and the command line do to accounts."""

from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.errors import BadEmail
from imatch.accounts.models import AccountType, User
from imatch.accounts.rules import (
    FIRST_PASSWORD_LINK_LIFETIME,
    NAME_MAX_CHARACTERS,
    password_fault,
    read_email,
    read_line,
)
from imatch.accounts.service import recovery, sessions
from imatch.accounts.service.profile import BadName
from imatch.accounts.service.recovery import BadPassword
from imatch.accounts.service.sign_up import mark_confirmed
from imatch.core.database import atomic
from imatch.core.errors import FieldError, NotFound
from imatch.core.security import hash_password
from imatch.core.settings import get_settings


class NoSuchUser(NotFound):
    code = "no_such_user"


def create_operator(db: Session, *, email: str, name: str, password: str | None) -> User:
    """Create an operator's account for this address, or turn its existing account into one.

    With a password the account works at once; without one, send `first_password_link`.
    Raises BadEmail, BadName, BadPassword.
    """
    address, line = read_email(email), read_line(name, NAME_MAX_CHARACTERS)
    if address is None:
        raise BadEmail
    if line is None:
        message = f"A name has 1 to {NAME_MAX_CHARACTERS} characters."
        raise BadName(message, fields=(FieldError("name", message, "name"),))
    fault = password and password_fault(password, email=address, name=line)
    if fault:
        raise BadPassword(fault)
    with atomic(db):
        user = queries.user_by_email(db, address)
        if user is None:
            user = User(email=address, name=line)
            db.add(user)
        if user.email_confirmed_at is None:
            user.password_hash = None  # its chooser never proved that they own the address
        user.account_type = AccountType.OPERATOR
        db.flush()
        # Earlier sessions were not begun as an operator.
        sessions.end_all(db, user.id)
        if password:
            recovery.set_password(db, user, hash_password(password))
            mark_confirmed(db, user)
    return user


def first_password_link(db: Session, user: User) -> str:
    """A single-use URL for the account's owner to set its password, valid for some days."""
    token = recovery.reset_token(db, user, FIRST_PASSWORD_LINK_LIFETIME)
    return f"{get_settings().base_url}/reset/{token}"


def deactivate(db: Session, user: User) -> None:
    """Close the account and end all its sessions."""
    with atomic(db):
        user.active = False
        sessions.end_all(db, user.id)


def require_user(db: Session, email: str) -> User:
    """The user with this e-mail address. Raises NoSuchUser."""
    address = read_email(email)
    user = queries.user_by_email(db, address) if address else None
    if user is None:
        raise NoSuchUser(f"There is no account with the address {email}.")
    return user
