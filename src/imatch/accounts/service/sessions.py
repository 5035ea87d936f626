"""Sessions of signed-in browsers: start, update, step up, end."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.models import User, UserSession
from imatch.accounts.rules import (
    LAST_SEEN_UPDATE_INTERVAL,
    SECOND_FACTOR_TIMEOUT,
    SESSIONS_MAX,
    USER_AGENT_MAX_CHARACTERS,
)
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Forbidden, NotFound
from imatch.core.security import new_token, token_hash
from imatch.core.settings import get_settings


@dataclass(frozen=True, slots=True)
class Browser:
    """The client of a request. `token` is its session cookie's value, not checked yet."""

    address: str
    user_agent: str
    token: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session's token. While the second factor is pending, it grants no access."""

    token: str
    second_factor_pending: bool


class StepUpNeeded(Forbidden):
    """The session is signed in, but without a recent password or code."""

    code = "step_up_needed"
    remedy_path = "/step-up"


class SessionNotFound(NotFound):
    code = "session_not_found"


def start(db: Session, user: User, browser: Browser, *, stepped_up: bool) -> SignedIn:
    """Start a session under a new token and end the browser's former one.

    `stepped_up`: a password was just given, which counts as a step-up.
    """
    pending = user.totp_confirmed_at is not None
    token = new_token()
    moment = now()
    lifetime = SECOND_FACTOR_TIMEOUT if pending else timedelta(days=get_settings().session_days)
    with atomic(db):
        _end_token(db, browser.token)
        _end_expired_and_surplus(db, user.id)
        db.add(
            UserSession(
                user_id=user.id,
                token_hash=token_hash(token),
                expires_at=moment + lifetime,
                stepped_up_at=moment if stepped_up and not pending else None,
                second_factor_pending=pending,
                user_agent=_storable(browser.user_agent),
            )
        )
        if not pending:
            user.last_sign_in_at = moment
    return SignedIn(token, pending)


def complete(db: Session, user: User, session: UserSession) -> str:
    """Complete a session after its second factor was accepted. Returns its new token."""
    moment = now()
    with atomic(db):
        session.second_factor_pending = False
        session.created_at = session.last_seen_at = session.stepped_up_at = moment
        session.expires_at = moment + timedelta(days=get_settings().session_days)
        user.last_sign_in_at = moment
        return _rotate(session)


def step_up(db: Session, session: UserSession) -> str:
    """Record a step-up. Returns the session's new token."""
    with atomic(db):
        session.stepped_up_at = now()
        return _rotate(session)


def require_step_up(session: UserSession | None) -> None:
    """Raise StepUpNeeded unless the last step-up was within IMATCH_STEP_UP_MINUTES."""
    validity = timedelta(minutes=get_settings().step_up_minutes)
    if (
        session is None
        or session.stepped_up_at is None
        or session.stepped_up_at <= now() - validity
    ):
        raise StepUpNeeded("Show once more that it is you, with your password or a code.")


def update_last_seen(db: Session, session: UserSession) -> None:
    """Record that the session is in use. Writes at most every LAST_SEEN_UPDATE_INTERVAL."""
    if now() - session.last_seen_at >= LAST_SEEN_UPDATE_INTERVAL:
        # An UPDATE by id: a session that is deleted concurrently must stay deleted.
        statement = (
            update(UserSession).where(UserSession.id == session.id).values(last_seen_at=now())
        )
        with atomic(db):
            db.execute(statement)


def end(db: Session, token: str | None) -> None:
    """Sign this browser out."""
    with atomic(db):
        _end_token(db, token)


def end_all(db: Session, user_id: int, *, but: UserSession | None = None) -> int:
    """End all sessions of the user except `but`. Returns how many ended."""
    with atomic(db):
        statement = delete(UserSession).where(UserSession.user_id == user_id)
        if but is not None:
            statement = statement.where(UserSession.id != but.id)
        return len(db.execute(statement.returning(UserSession.id)).all())


def end_one(db: Session, user_id: int, session_id: int) -> None:
    """End one of the user's own sessions. Raises SessionNotFound."""
    with atomic(db):
        session = db.get(UserSession, session_id)
        if session is None or session.user_id != user_id:
            raise SessionNotFound("This browser is not signed in any more.")
        db.delete(session)


def _rotate(session: UserSession) -> str:
    token = new_token()
    session.token_hash = token_hash(token)
    return token


def _end_token(db: Session, token: str | None) -> None:
    if token:
        db.execute(delete(UserSession).where(UserSession.token_hash == token_hash(token)))


def _end_expired_and_surplus(db: Session, user_id: int) -> None:
    own = UserSession.user_id == user_id
    db.execute(delete(UserSession).where(own, UserSession.expires_at <= now()))
    kept = queries.sessions_of(db, user_id)[: SESSIONS_MAX - 1]
    if len(kept) == SESSIONS_MAX - 1:
        surplus = select(UserSession.id).where(
            own, UserSession.id.not_in([session.id for session in kept])
        )
        db.execute(delete(UserSession).where(UserSession.id.in_(surplus)))


def _storable(user_agent: str) -> str:
    return "".join(character for character in user_agent if character.isprintable())[
        :USER_AGENT_MAX_CHARACTERS
    ]
