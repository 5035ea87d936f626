"""Slow down guessing and mail floods, counted in the database for all web processes together."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import RateLimited
from imatch.core.security import token_hash
from imatch.throttling.models import SignInAttempt
from imatch.throttling.rules import TRIES_ARE_KEPT, TryLimit
from imatch.web.formats import plural

Tries = list[int]


class TooManyTries(RateLimited):
    code = "too_many_tries"


def admit(db: Session, *counted: tuple[TryLimit, str]) -> Tries:
    """Count one try for every (limit, subject) or raise TooManyTries.

    Call it outside `atomic`: the try must stay counted when what follows fails. Refused tries do
    not count, so that hammering does not lock an owner out for longer.
    """
    for limit, subject in counted:
        _refuse_over(db, limit, _hashed(limit, subject), limit.tries - 1)
    with atomic(db):
        db.execute(delete(SignInAttempt).where(SignInAttempt.at < now() - TRIES_ARE_KEPT))
        rows = [SignInAttempt(subject_hash=_hashed(*pair)) for pair in counted]
        db.add_all(rows)
    # Tries that came at the same moment see each other only now that they are all committed.
    for limit, subject in counted:
        _refuse_over(db, limit, _hashed(limit, subject), limit.tries)
    return [row.id for row in rows]


def forgive(db: Session, tries: Tries) -> None:
    """Tries that succeeded do not count."""
    with atomic(db):
        db.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(tries)))


def _hashed(limit: TryLimit, subject: str) -> str:
    return token_hash(f"{limit.name}:{subject}")


def _refuse_over(db: Session, limit: TryLimit, subject_hash: str, allowed: int) -> None:
    moment = now()
    recent = (SignInAttempt.subject_hash == subject_hash, SignInAttempt.at > moment - limit.window)
    count = db.scalar(select(func.count()).where(*recent)) or 0
    if count <= allowed:
        return
    # The next try is free when only `tries - 1` of these are still inside the window.
    freeing: datetime | None = db.scalars(
        select(SignInAttempt.at)
        .where(*recent)
        .order_by(SignInAttempt.at.desc())
        .offset(limit.tries - 1)
        .limit(1)
    ).one_or_none()
    if freeing is None:  # forgiven or forgotten by somebody since it was counted
        return
    seconds = max(1, int((freeing + limit.window - moment).total_seconds()) + 1)
    minutes = -(-seconds // 60)
    raise TooManyTries(
        f"That was tried too often. Try again in {plural(minutes, 'minute')}.",
        retry_after_seconds=seconds,
    )
