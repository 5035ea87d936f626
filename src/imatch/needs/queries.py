"""Queries for needs that the caller may read: by token or by owner."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.categories import queries as categories
from imatch.categories.models import Category
from imatch.categories.schemas import CategoryDefinition
from imatch.core.errors import NotFound
from imatch.core.security import token_hash
from imatch.needs.models import Need


class NeedNotFound(NotFound):
    code = "need_not_found"

    def __init__(self) -> None:
        super().__init__("There is no need here that you may see.")


def current_need(
    db: Session, *, token: str | None = None, user: User | None = None, category: str | None = None
) -> Need | None:
    """The need with this token, else the user's most recently updated one, or None.

    A need with an owner opens for that user only, even with its token.
    """
    need = _by_token(db, token, user)
    if need is not None and (category is None or definition_of(db, need).name == category):
        return need
    return _latest(db, user, category) if user else None


def owned(db: Session, need_id: int, *, token: str | None, user: User | None) -> Need:
    """A need by id, if the token or the user may read it. Raises NeedNotFound otherwise."""
    by_token = _by_token(db, token, user)
    if by_token is not None and by_token.id == need_id:
        return by_token
    owner_matches = select(Need).where(Need.id == need_id, Need.user_id == _id(user))
    need = db.scalar(owner_matches) if user else None
    if need is None:
        raise NeedNotFound
    return need


def definition_of(db: Session, need: Need) -> CategoryDefinition:
    """The definition in force for the category of a need."""
    return categories.by_id(db, need.category_id).definition


def _by_token(db: Session, token: str | None, user: User | None) -> Need | None:
    if not token:
        return None
    need = db.scalar(select(Need).where(Need.token_hash == token_hash(token)))
    return need if need is not None and need.user_id in {None, _id(user)} else None


def _latest(db: Session, user: User, category: str | None) -> Need | None:
    query = select(Need).where(Need.user_id == user.id)
    if category is not None:
        query = query.join(Category).where(Category.name == category)
    return db.scalar(query.order_by(Need.updated_at.desc(), Need.id.desc()).limit(1))


def _id(user: User | None) -> int | None:
    return user.id if user else None
