"""Sign up and confirm the e-mail address, without revealing who has an account."""

from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.models import AccountType, LinkPurpose, User
from imatch.accounts.rules import (
    CONFIRM_LINK_LIFETIME,
    MAILS_PER_EMAIL,
    MAILS_PER_NETWORK,
    NAME_MAX_CHARACTERS,
    PASSWORDS_PER_EMAIL,
    PASSWORDS_PER_NETWORK,
    password_fault,
    read_email,
    read_line,
)
from imatch.accounts.service import letters, links, sessions
from imatch.accounts.service.sessions import Browser, SignedIn
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import FieldError, Invalid
from imatch.core.events import announce
from imatch.core.security import hash_password, password_matches
from imatch.facts.people import EmailConfirmed
from imatch.throttling import service as throttling
from imatch.throttling.rules import network_of

OPEN_TYPES = (AccountType.SEEKER, AccountType.PROVIDER, AccountType.BOTH)


class BadSignUp(Invalid):
    code = "bad_sign_up"


class NotTheChosenPassword(Invalid):
    code = "not_the_chosen_password"


def sign_up(
    db: Session, *, email: str, name: str, password: str, account_type: str, browser: Browser
) -> None:
    """Create an unconfirmed account, or mail the address's owner that they have one already.

    The result is the same in both cases.
    Raises BadSignUp with an error for each wrong field, TooManyTries.
    """
    check({"account_type": account_type, "name": name, "email": email, "password": password})
    address, line = read_email(email) or "", read_line(name, NAME_MAX_CHARACTERS) or ""
    throttling.admit(
        db, (MAILS_PER_EMAIL, address), (MAILS_PER_NETWORK, network_of(browser.address))
    )
    password_hash = hash_password(password)  # also for a known address, to take the same time
    with atomic(db):
        wanted = AccountType(account_type)
        user = _unconfirmed(db, address, wanted)
        if user is None:
            letters.already_registered(db, address)
            return
        # A later sign-up replaces the data of an unconfirmed one.
        user.name, user.password_hash, user.account_type = line, password_hash, wanted
        token = links.issue(db, user, LinkPurpose.CONFIRM_EMAIL, CONFIRM_LINK_LIFETIME)
        letters.confirm_address(db, address, line, token)


def check(answers: Mapping[str, str]) -> None:
    """Validate some of account_type, name, email and password, without looking up accounts.

    Raises BadSignUp with an error for each wrong answer.
    """
    faults = {field: _fault(field, answers) for field in answers}
    wrong = tuple(FieldError(field, fault, field) for field, fault in faults.items() if fault)
    if wrong:
        raise BadSignUp("Some of this is not usable yet.", fields=wrong)


def _fault(field: str, answers: Mapping[str, str]) -> str | None:
    """Why this answer is refused, or None."""
    text = answers[field]
    match field:
        case "account_type":
            return None if text in OPEN_TYPES else "Choose one of the three."
        case "name":
            message = f"Say how we may call you, in 1 to {NAME_MAX_CHARACTERS} characters."
            return None if read_line(text, NAME_MAX_CHARACTERS) else message
        case "email":
            return (
                None if read_email(text) else "Give a whole e-mail address, like ada@example.org."
            )
        case _:
            email, name = answers.get("email", ""), answers.get("name", "")
            email, name = read_email(email) or email, read_line(name, NAME_MAX_CHARACTERS) or name
            return password_fault(text, email=email, name=name)


def confirm_email(db: Session, *, token: str, password: str, browser: Browser) -> SignedIn:
    """Confirm the address and sign in.

    Requires the password, because the link only proves who reads the mail: a click must not
    confirm an account that a stranger opened with the reader's address.
    Raises LinkNotUsable, NotTheChosenPassword, TooManyTries.
    """
    _, user = links.find(db, token, LinkPurpose.CONFIRM_EMAIL)
    tries = throttling.admit(
        db,
        (PASSWORDS_PER_EMAIL, user.email),
        (PASSWORDS_PER_NETWORK, network_of(browser.address)),
    )
    checked_hash = user.password_hash
    if not password_matches(password, checked_hash):
        message = "This is not the password that was chosen when the account was opened."
        raise NotTheChosenPassword(message, fields=(FieldError("password", message, "password"),))
    with atomic(db):
        throttling.forgive(db, tries)
        _, user = links.use(db, token, LinkPurpose.CONFIRM_EMAIL)
        if user.password_hash != checked_hash:  # a concurrent sign-up replaced it
            raise links.LinkNotUsable
        mark_confirmed(db, user)
        return sessions.start(db, user, browser, stepped_up=True)


def mark_confirmed(db: Session, user: User) -> None:
    """Mark the user's address as confirmed and announce it. Idempotent."""
    if user.email_confirmed_at is None:
        with atomic(db):
            user.email_confirmed_at = now()
            db.flush()
            announce(db, EmailConfirmed(user.id))


def _unconfirmed(db: Session, address: str, account_type: AccountType) -> User | None:
    """A new or unconfirmed account of this address, locked; None if it is in use already."""
    user = queries.user_by_email(db, address)
    if user is None:
        new_user = User(email=address, name="", account_type=account_type)
        try:
            with db.begin_nested():
                db.add(new_user)
        except IntegrityError:  # a concurrent sign-up was faster
            return None
        return new_user
    user = queries.locked_user(db, user.id)
    opened_here = user.account_type in OPEN_TYPES and user.password_hash is not None
    return user if user.active and opened_here and user.email_confirmed_at is None else None
