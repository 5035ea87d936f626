"""Reads about people, their sessions, links and keys."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from imatch.accounts.errors import UserNotFound
from imatch.accounts.models import ApiKey, EmailedLink, RecoveryCode, User, UserSession
from imatch.accounts.rules import read_email
from imatch.core.clock import now
from imatch.core.ids import is_id
from imatch.core.security import token_hash
from imatch.core.settings import get_settings


def user_by_email(db: Session, email: str) -> User | None:
    """The account with this address in its stored form."""
    return db.scalars(select(User).where(User.email == email)).one_or_none()


def locked_user(db: Session, user_id: int) -> User:
    """The account, held against changes by others until the transaction ends."""
    held = select(User).where(User.id == user_id).with_for_update()
    return db.scalars(held.execution_options(populate_existing=True)).one()


def users(db: Session, limit: int, *, account_type: str | None = None) -> Sequence[User]:
    """The newest accounts first."""
    found = select(User).order_by(User.id.desc()).limit(limit)
    if account_type is not None:
        found = found.where(User.account_type == account_type)
    return db.scalars(found).all()


def live_session(db: Session, token: str) -> tuple[UserSession, User] | None:
    """The session behind a cookie with its owner, unless it has ended or lay idle too long."""
    return _live(db, UserSession.token_hash == token_hash(token))


def still_live(db: Session, session: UserSession) -> tuple[UserSession, User] | None:
    """The same for a session that was found before, whatever its cookie is by now.

    SQLite gives a deleted row's id away again: the moment tells a newer session from this one.
    """
    begun = UserSession.created_at == session.created_at
    return _live(db, UserSession.id == session.id, begun)


def _live(db: Session, *wanted: ColumnElement[bool]) -> tuple[UserSession, User] | None:
    moment = now()
    idle = timedelta(days=get_settings().session_idle_days)
    found = db.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            *wanted,
            UserSession.expires_at > moment,
            UserSession.last_seen_at > moment - idle,
            User.active,
        )
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def sessions_of(db: Session, user_id: int) -> Sequence[UserSession]:
    """Browsers that are signed in now, the last seen first."""
    moment = now()
    idle = timedelta(days=get_settings().session_idle_days)
    return db.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.expires_at > moment,
            UserSession.last_seen_at > moment - idle,
            UserSession.second_factor_pending.is_(False),
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
    ).all()


def live_api_key(db: Session, key: str) -> tuple[ApiKey, User] | None:
    found = db.execute(
        select(ApiKey, User)
        .join(User, User.id == ApiKey.user_id)
        .where(ApiKey.key_hash == token_hash(key), ApiKey.revoked_at.is_(None), User.active)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def api_keys_of(db: Session, user_id: int) -> Sequence[ApiKey]:
    """Keys that work, the newest first."""
    return db.scalars(
        select(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    ).all()


def open_link(db: Session, token: str, *purposes: str) -> tuple[EmailedLink, User] | None:
    """A link that can still be used, with the account that it was sent for."""
    found = db.execute(
        select(EmailedLink, User)
        .join(User, User.id == EmailedLink.user_id)
        .where(
            EmailedLink.token_hash == token_hash(token),
            EmailedLink.purpose.in_(purposes),
            EmailedLink.used_at.is_(None),
            EmailedLink.expires_at > now(),
            User.active,
        )
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def unused_recovery_codes(db: Session, user_id: int) -> int:
    counted = select(func.count()).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return db.scalar(counted) or 0


_ID_DIGITS = 18


def person(db: Session, user_id: int) -> User:
    """Raises UserNotFound."""
    found = db.get(User, user_id) if is_id(user_id) else None
    if found is None:
        raise UserNotFound(user_id)
    return found


def person_named(db: Session, written: str) -> User:
    """Whose id or e-mail address this is. Raises UserNotFound."""
    text = written.strip()
    if text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS:
        return person(db, int(text))
    address = read_email(text)
    found = user_by_email(db, address) if address else None
    if found is None:
        raise UserNotFound(text)
    return found


def people_by_id(db: Session, user_ids: Iterable[int]) -> dict[int, User]:
    """These people's accounts by their ids; ids that nobody has are left out."""
    people = db.scalars(select(User).where(User.id.in_(set(user_ids))))
    return {person.id: person for person in people}
