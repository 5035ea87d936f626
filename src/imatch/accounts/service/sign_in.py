"""Sign in with a password or an e-mailed link, then with the second factor; step up."""

from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.errors import BadEmail
from imatch.accounts.models import LinkPurpose, User, UserSession
from imatch.accounts.rules import (
    MAILS_PER_EMAIL,
    MAILS_PER_NETWORK,
    PASSWORDS_PER_EMAIL,
    PASSWORDS_PER_NETWORK,
    SIGN_IN_LINK_LIFETIME,
    read_email,
)
from imatch.accounts.service import letters, links, second_factor, sessions
from imatch.accounts.service.sessions import Browser, SignedIn
from imatch.core.database import atomic
from imatch.core.errors import FieldError, Invalid
from imatch.core.security import password_matches
from imatch.throttling import service as throttling
from imatch.throttling.rules import network_of


class WrongEmailOrPassword(Invalid):
    """One error for unknown addresses, wrong passwords, unconfirmed and closed accounts."""

    code = "wrong_email_or_password"

    def __init__(self) -> None:
        super().__init__(
            "This e-mail address and password do not fit together, or the address is not "
            "confirmed yet. If you signed up lately, open the link that we sent to you."
        )


def sign_in(db: Session, *, email: str, password: str, browser: Browser) -> SignedIn:
    """Start a session. Raises BadEmail, WrongEmailOrPassword, TooManyTries."""
    address = read_email(email)
    if address is None:
        raise BadEmail
    tries = throttling.admit(
        db, (PASSWORDS_PER_EMAIL, address), (PASSWORDS_PER_NETWORK, network_of(browser.address))
    )
    user = queries.user_by_email(db, address)
    checked_hash = user.password_hash if user else None
    matches = password_matches(password, checked_hash)
    if user is None or not matches:
        raise WrongEmailOrPassword
    with atomic(db):
        user = queries.locked_user(db, user.id)
        # The password or the account may have changed during the check.
        if user.password_hash != checked_hash or not _may_sign_in(user):
            raise WrongEmailOrPassword
        throttling.forgive(db, tries)
        return sessions.start(db, user, browser, stepped_up=True)


def send_link(db: Session, *, email: str, next_path: str, browser: Browser) -> None:
    """Mail a sign-in link to this address if it has an account. Callers cannot tell if it does.

    Unconfirmed accounts get no link: whoever chose their password has not proved that they own
    the address. Raises BadEmail, TooManyTries.
    """
    address = read_email(email)
    if address is None:
        raise BadEmail
    throttling.admit(
        db, (MAILS_PER_EMAIL, address), (MAILS_PER_NETWORK, network_of(browser.address))
    )
    with atomic(db):
        user = queries.user_by_email(db, address)
        if user is not None and _may_sign_in(user):
            token = links.issue(db, user, LinkPurpose.SIGN_IN, SIGN_IN_LINK_LIFETIME)
            letters.sign_in_link(db, address, token, next_path)


def sign_in_by_link(db: Session, *, token: str, browser: Browser) -> SignedIn:
    """Start a session for the user of this link. Raises LinkNotUsable."""
    with atomic(db):
        _, user = links.use(db, token, LinkPurpose.SIGN_IN)
        if not _may_sign_in(user):
            raise links.LinkNotUsable
        return sessions.start(db, user, browser, stepped_up=False)


def finish_with_code(db: Session, session: UserSession, code: str) -> str:
    """Complete a session whose second factor is pending. Returns its new token.

    Raises WrongCode, TooManyTries.
    """
    user = db.get_one(User, session.user_id)
    tries = second_factor.admit(db, user)
    with atomic(db):
        second_factor.accept(db, user, code)
        throttling.forgive(db, tries)
        return sessions.complete(db, user, session)


def step_up(db: Session, user: User, session: UserSession, *, password: str, code: str) -> str:
    """Step the session up by a code or else the password. Returns its new token.

    Raises WrongCode, WrongPassword, TooManyTries.
    """
    if code.strip():
        tries = second_factor.admit(db, user)
        with atomic(db):
            second_factor.accept(db, user, code)
            throttling.forgive(db, tries)
            return sessions.step_up(db, session)
    tries = throttling.admit(db, (PASSWORDS_PER_EMAIL, user.email))
    if not password_matches(password, user.password_hash):
        raise WrongPassword
    with atomic(db):
        throttling.forgive(db, tries)
        return sessions.step_up(db, session)


class WrongPassword(Invalid):
    code = "wrong_password"

    def __init__(self) -> None:
        message = "This is not your password."
        super().__init__(message, fields=(FieldError("password", message, "password"),))


def _may_sign_in(user: User) -> bool:
    return user.active and user.email_confirmed_at is not None
