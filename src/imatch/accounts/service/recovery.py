"""Reset a forgotten password by an e-mailed link."""

from datetime import timedelta

from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.errors import BadEmail
from imatch.accounts.models import LinkPurpose, User
from imatch.accounts.rules import (
    MAILS_PER_EMAIL,
    MAILS_PER_NETWORK,
    RESET_LINK_LIFETIME,
    password_fault,
    read_email,
)
from imatch.accounts.service import letters, links, sessions
from imatch.accounts.service.sessions import Browser, SignedIn
from imatch.accounts.service.sign_up import mark_confirmed
from imatch.core.database import atomic
from imatch.core.errors import FieldError, Invalid
from imatch.core.security import hash_password
from imatch.throttling import service as throttling
from imatch.throttling.rules import network_of


class BadPassword(Invalid):
    code = "bad_password"

    def __init__(self, message: str) -> None:
        super().__init__(message, fields=(FieldError("password", message, "password"),))


def send_reset_link(db: Session, *, email: str, browser: Browser) -> None:
    """Mail a reset link to this address if it has an account. Callers cannot tell if it does.

    Raises BadEmail, TooManyTries.
    """
    address = read_email(email)
    if address is None:
        raise BadEmail
    throttling.admit(
        db, (MAILS_PER_EMAIL, address), (MAILS_PER_NETWORK, network_of(browser.address))
    )
    with atomic(db):
        user = queries.user_by_email(db, address)
        if user is not None and user.active:
            letters.reset_link(db, address, reset_token(db, user, RESET_LINK_LIFETIME))


def reset_token(db: Session, user: User, lifetime: timedelta) -> str:
    return links.issue(db, user, LinkPurpose.RESET_PASSWORD, lifetime)


def reset_password(db: Session, *, token: str, password: str, browser: Browser) -> SignedIn:
    """Set the password, end every session, void every link, and sign this browser in.

    Confirms the address too, because the link proves it. Raises LinkNotUsable, BadPassword.
    """
    _, user = links.find(db, token, LinkPurpose.RESET_PASSWORD)
    fault = password_fault(password, email=user.email, name=user.name)
    if fault:
        raise BadPassword(fault)
    password_hash = hash_password(password)
    with atomic(db):
        _, user = links.use(db, token, LinkPurpose.RESET_PASSWORD)
        set_password(db, user, password_hash)
        mark_confirmed(db, user)
        sessions.end_all(db, user.id)
        return sessions.start(db, user, browser, stepped_up=True)


def set_password(db: Session, user: User, password_hash: str) -> None:
    """Store the new hash, void every e-mailed link, and notify the owner."""
    with atomic(db):
        user.password_hash = password_hash
        links.void(db, user.id)
        letters.credentials_changed(db, user.email, "the password is a new one")
