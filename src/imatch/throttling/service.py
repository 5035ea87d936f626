"""Rate limits against guessing and mail floods, counted in the database across all processes."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import RateLimited
from imatch.core.security import token_hash
from imatch.throttling.models import SignInAttempt
from imatch.throttling.rules import TRY_RETENTION, TryLimit
from imatch.web.formats import plural

TryIds = list[int]


class TooManyTries(RateLimited):
    code = "too_many_tries"


def admit(db: Session, *limited: tuple[TryLimit, str]) -> TryIds:
    """Count one try for every (limit, subject). Raises TooManyTries.

    Call it outside `atomic`, so that the try stays counted if the action fails. Refused tries do
    not count, so that an attacker cannot extend the lock-out of an owner.
    """
    for limit, subject in limited:
        _refuse_above(db, limit, _subject_hash(limit, subject), limit.tries - 1)
    with atomic(db):
        db.execute(delete(SignInAttempt).where(SignInAttempt.at < now() - TRY_RETENTION))
        rows = [SignInAttempt(subject_hash=_subject_hash(*pair)) for pair in limited]
        db.add_all(rows)
    # Check again: concurrent tries see each other only after they are committed.
    for limit, subject in limited:
        _refuse_above(db, limit, _subject_hash(limit, subject), limit.tries)
    return [row.id for row in rows]


def forgive(db: Session, try_ids: TryIds) -> None:
    """Delete tries that succeeded, so that they do not count."""
    with atomic(db):
        db.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(try_ids)))


def _subject_hash(limit: TryLimit, subject: str) -> str:
    return token_hash(f"{limit.name}:{subject}")


def _refuse_above(db: Session, limit: TryLimit, subject_hash: str, allowed: int) -> None:
    moment = now()
    recent = (SignInAttempt.subject_hash == subject_hash, SignInAttempt.at > moment - limit.window)
    count = db.scalar(select(func.count()).where(*recent)) or 0
    if count <= allowed:
        return
    # The next try is allowed when only `limit.tries - 1` of these are left in the window.
    expiring: datetime | None = db.scalars(
        select(SignInAttempt.at)
        .where(*recent)
        .order_by(SignInAttempt.at.desc())
        .offset(limit.tries - 1)
        .limit(1)
    ).one_or_none()
    if expiring is None:  # deleted since it was counted
        return
    seconds = max(1, int((expiring + limit.window - moment).total_seconds()) + 1)
    minutes = -(-seconds // 60)
    raise TooManyTries(
        f"That was tried too often. Try again in {plural(minutes, 'minute')}.",
        retry_after_seconds=seconds,
    )
