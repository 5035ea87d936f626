"""Queries about users, their sessions, links and keys."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from imatch.accounts.errors import UserNotFound
from imatch.accounts.models import (
    AccountType,
    ApiKey,
    EmailedLink,
    LinkPurpose,
    RecoveryCode,
    User,
    UserSession,
)
from imatch.accounts.rules import read_email
from imatch.core.clock import now
from imatch.core.ids import is_id
from imatch.core.security import token_hash
from imatch.core.settings import get_settings


def user_by_email(db: Session, email: str) -> User | None:
    """The account with this address in its stored form."""
    return db.scalars(select(User).where(User.email == email)).one_or_none()


def locked_user(db: Session, user_id: int) -> User:
    """Read the user's row anew and lock it until the transaction ends."""
    query = select(User).where(User.id == user_id).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).one()


def users(db: Session, limit: int, *, account_type: AccountType | None = None) -> Sequence[User]:
    """The newest accounts first."""
    query = select(User).order_by(User.id.desc()).limit(limit)
    if account_type is not None:
        query = query.where(User.account_type == account_type)
    return db.scalars(query).all()


def live_session(db: Session, token: str) -> tuple[UserSession, User] | None:
    """The session and user of a cookie's token; None if it ended or was idle too long."""
    return _live(db, UserSession.token_hash == token_hash(token))


def still_live(db: Session, session: UserSession) -> tuple[UserSession, User] | None:
    """Like live_session, for a session read earlier whose token may have changed since.

    Compares `created_at` too, because SQLite reuses the ids of deleted rows.
    """
    same_start = UserSession.created_at == session.created_at
    return _live(db, UserSession.id == session.id, same_start)


def _live(db: Session, *conditions: ColumnElement[bool]) -> tuple[UserSession, User] | None:
    moment = now()
    max_idle = timedelta(days=get_settings().session_idle_days)
    row = db.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(
            *conditions,
            UserSession.expires_at > moment,
            UserSession.last_seen_at > moment - max_idle,
            User.active,
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def sessions_of(db: Session, user_id: int) -> Sequence[UserSession]:
    """The user's signed-in browsers, the most recently seen first."""
    moment = now()
    max_idle = timedelta(days=get_settings().session_idle_days)
    return db.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.expires_at > moment,
            UserSession.last_seen_at > moment - max_idle,
            UserSession.second_factor_pending.is_(False),
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
    ).all()


def live_api_key(db: Session, key: str) -> tuple[ApiKey, User] | None:
    """The row of a key that was not revoked, with its active owner."""
    row = db.execute(
        select(ApiKey, User)
        .join(User, User.id == ApiKey.user_id)
        .where(ApiKey.key_hash == token_hash(key), ApiKey.revoked_at.is_(None), User.active)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def api_keys_of(db: Session, user_id: int) -> Sequence[ApiKey]:
    """The user's keys that are not revoked, the newest first."""
    return db.scalars(
        select(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    ).all()


def open_link(db: Session, token: str, *purposes: LinkPurpose) -> tuple[EmailedLink, User] | None:
    """A link for one of these purposes that is unused and not expired, with its active user."""
    row = db.execute(
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
    return None if row is None else (row[0], row[1])


def unused_recovery_codes(db: Session, user_id: int) -> int:
    query = select(func.count()).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return db.scalar(query) or 0


_MAX_ID_DIGITS = 18


def user_by_id(db: Session, user_id: int) -> User:
    """Raises UserNotFound."""
    user = db.get(User, user_id) if is_id(user_id) else None
    if user is None:
        raise UserNotFound(user_id)
    return user


def user_by_id_or_email(db: Session, id_or_email: str) -> User:
    """The user with this id or e-mail address. Raises UserNotFound."""
    text = id_or_email.strip()
    if text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS:
        return user_by_id(db, int(text))
    address = read_email(text)
    user = user_by_email(db, address) if address else None
    if user is None:
        raise UserNotFound(text)
    return user


def users_by_id(db: Session, user_ids: Iterable[int]) -> dict[int, User]:
    """Users by id; unknown ids are left out."""
    rows = db.scalars(select(User).where(User.id.in_(set(user_ids))))
    return {user.id: user for user in rows}
