"""Signed-in browsers: begin, notice, prove again, end."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.models import User, UserSession
from imatch.accounts.rules import (
    SECOND_FACTOR_WAITS,
    SEEN_IS_NOTED_EVERY,
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
    """Who is asking, before we know their name: `token` is what their cookie held."""

    address: str
    user_agent: str
    token: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session's new cookie; with a pending second factor it opens nothing yet."""

    token: str
    second_factor_pending: bool


class StepUpNeeded(Forbidden):
    """The session is signed in, but its owner has not proved themselves lately."""

    code = "step_up_needed"
    remedy_path = "/step-up"


class SessionNotFound(NotFound):
    code = "session_not_found"


def start(db: Session, user: User, browser: Browser, *, proved: bool) -> SignedIn:
    """Sign this browser in, under a new token and in place of what it held before.

    `proved`: a password was given just now, which also opens what needs a step-up.
    """
    pending = user.totp_confirmed_at is not None
    token = new_token()
    moment = now()
    lasts = SECOND_FACTOR_WAITS if pending else timedelta(days=get_settings().session_days)
    with atomic(db):
        _end_token(db, browser.token)
        _end_expired_and_surplus(db, user.id)
        db.add(
            UserSession(
                user_id=user.id,
                token_hash=token_hash(token),
                expires_at=moment + lasts,
                stepped_up_at=moment if proved and not pending else None,
                second_factor_pending=pending,
                user_agent=_storable(browser.user_agent),
            )
        )
        if not pending:
            user.last_sign_in_at = moment
    return SignedIn(token, pending)


def complete(db: Session, user: User, session: UserSession) -> str:
    """The second factor was right: a full session under a new token."""
    moment = now()
    with atomic(db):
        session.second_factor_pending = False
        session.created_at = session.last_seen_at = session.stepped_up_at = moment
        session.expires_at = moment + timedelta(days=get_settings().session_days)
        user.last_sign_in_at = moment
        return _rotate(session)


def step_up(db: Session, session: UserSession) -> str:
    """Note that the owner proved themselves now; the session goes on under a new token."""
    with atomic(db):
        session.stepped_up_at = now()
        return _rotate(session)


def require_step_up(session: UserSession | None) -> None:
    """Raise StepUpNeeded unless the owner proved themselves in the last minutes."""
    lasts = timedelta(minutes=get_settings().step_up_minutes)
    if session is None or session.stepped_up_at is None or session.stepped_up_at <= now() - lasts:
        raise StepUpNeeded("Show once more that it is you, with your password or a code.")


def note_seen(db: Session, session: UserSession) -> None:
    """Keep an idle session from ending; written at most every few minutes."""
    if now() - session.last_seen_at >= SEEN_IS_NOTED_EVERY:
        # By id: the session may be ended elsewhere at this very moment, and then stays ended.
        seen = update(UserSession).where(UserSession.id == session.id).values(last_seen_at=now())
        with atomic(db):
            db.execute(seen)


def end(db: Session, token: str | None) -> None:
    """Sign this browser out."""
    with atomic(db):
        _end_token(db, token)


def end_all(db: Session, user_id: int, *, but: UserSession | None = None) -> int:
    """Sign the user out everywhere, or everywhere but here. Returns how many sessions ended."""
    with atomic(db):
        ended = delete(UserSession).where(UserSession.user_id == user_id)
        if but is not None:
            ended = ended.where(UserSession.id != but.id)
        return len(db.execute(ended.returning(UserSession.id)).all())


def end_one(db: Session, user_id: int, session_id: int) -> None:
    """Sign one of the user's own browsers out. Raises SessionNotFound."""
    with atomic(db):
        found = db.get(UserSession, session_id)
        if found is None or found.user_id != user_id:
            raise SessionNotFound("This browser is not signed in any more.")
        db.delete(found)


def _rotate(session: UserSession) -> str:
    token = new_token()
    session.token_hash = token_hash(token)
    return token


def _end_token(db: Session, token: str | None) -> None:
    if token:
        db.execute(delete(UserSession).where(UserSession.token_hash == token_hash(token)))


def _end_expired_and_surplus(db: Session, user_id: int) -> None:
    mine = UserSession.user_id == user_id
    db.execute(delete(UserSession).where(mine, UserSession.expires_at <= now()))
    kept = queries.sessions_of(db, user_id)[: SESSIONS_MAX - 1]
    if len(kept) == SESSIONS_MAX - 1:
        surplus = select(UserSession.id).where(
            mine, UserSession.id.not_in([session.id for session in kept])
        )
        db.execute(delete(UserSession).where(UserSession.id.in_(surplus)))


def _storable(user_agent: str) -> str:
    return "".join(sign for sign in user_agent if sign.isprintable())[:USER_AGENT_MAX_CHARACTERS]
