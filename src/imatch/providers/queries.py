"""Queries for profiles: public ones, a user's own, and those that wait for an operator."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.categories.models import Category
from imatch.core.errors import NotFound
from imatch.core.ids import is_id
from imatch.core.paging import Page, decode_cursor, page_of
from imatch.providers.models import Provider, ProviderStatus


class UnknownProvider(NotFound):
    code = "unknown_provider"

    def __init__(self) -> None:
        super().__init__("There is no such profile.")


def by_slug(db: Session, slug: str) -> Provider:
    """One profile, whatever its status. Raises UnknownProvider."""
    return _existing(db.scalar(select(Provider).where(Provider.slug == _storable(slug))))


def by_id(db: Session, provider_id: int) -> Provider:
    """One profile, whatever its status. Raises UnknownProvider."""
    return _existing(db.get(Provider, provider_id) if is_id(provider_id) else None)


def public_by_slug(db: Session, slug: str) -> Provider:
    """One public profile. Raises UnknownProvider."""
    query = select(Provider).join(User, User.id == Provider.user_id)
    return _existing(db.scalar(query.where(Provider.slug == _storable(slug), *_public())))


def own(db: Session, user_id: int) -> Sequence[Provider]:
    """The user's profiles, the oldest first."""
    return db.scalars(
        select(Provider).where(Provider.user_id == user_id).order_by(Provider.id)
    ).all()


def own_in(db: Session, user_id: int, category: str) -> Provider:
    """The user's profile in a category. Raises UnknownProvider."""
    return _existing(find_own(db, user_id, category))


def find_own(db: Session, user_id: int, category: str) -> Provider | None:
    return db.scalar(
        select(Provider)
        .join(Category, Category.id == Provider.category_id)
        .where(Provider.user_id == user_id, Category.name == _storable(category))
    )


def public_page(
    db: Session, *, category: str | None, cursor: str | None, limit: int
) -> Page[Provider]:
    """Approved profiles in open categories, the oldest first."""
    query = (
        select(Provider)
        .join(Category, Category.id == Provider.category_id)
        .join(User, User.id == Provider.user_id)
        .where(Category.active, *_public())
    )
    if category is not None:
        query = query.where(Category.name == category)
    after = decode_cursor(cursor)
    if after is not None:
        query = query.where(Provider.id > after)
    found = db.scalars(query.order_by(Provider.id).limit(limit + 1)).all()
    return page_of(found, limit, lambda provider: provider.id)


def public_of(db: Session, provider_ids: Collection[int], category_id: int) -> Sequence[Provider]:
    """The public profiles among these in a category, the oldest first."""
    if not provider_ids:
        return []
    query = (
        select(Provider)
        .join(User, User.id == Provider.user_id)
        .where(Provider.id.in_(provider_ids), Provider.category_id == category_id, *_public())
    )
    return db.scalars(query.order_by(Provider.id)).all()


def newest(
    db: Session, *, category: str | None, status: ProviderStatus | None, limit: int
) -> Sequence[tuple[Provider, Category]]:
    """Profiles of any status, for operators, the newest first."""
    query = select(Provider, Category).join(Category, Category.id == Provider.category_id)
    if category is not None:
        query = query.where(Category.name == category)
    if status is not None:
        query = query.where(Provider.status == status)
    return db.execute(query.order_by(Provider.id.desc()).limit(limit)).all()


def pending(db: Session, *, limit: int) -> Sequence[tuple[Provider, Category]]:
    """Profiles that wait for a decision, the longest waiting first."""
    query = _with_category(Provider.status == ProviderStatus.PENDING)
    query = query.order_by(Provider.submitted_at, Provider.id).limit(limit)
    return db.execute(query).all()


def credentials_to_check(db: Session, *, limit: int) -> Sequence[tuple[Provider, Category]]:
    """Approved profiles whose changed credentials wait for a check, the longest waiting first."""
    query = _with_category(_changed_credentials())
    query = query.order_by(Provider.credentials_changed_at, Provider.id).limit(limit)
    return db.execute(query).all()


def waiting_counts(db: Session) -> tuple[int, int]:
    """How many profiles wait for a decision, and how many for a check of changed credentials."""
    is_pending = Provider.status == ProviderStatus.PENDING
    row = db.execute(
        select(
            func.count(Provider.id).filter(is_pending),
            func.count(Provider.id).filter(_changed_credentials()),
        ).where(or_(is_pending, _changed_credentials()))
    ).one()
    return row[0], row[1]


def counts_by_category(db: Session) -> dict[int, int]:
    """Approved profiles by category id."""
    query = (
        select(Provider.category_id, func.count(Provider.id))
        .where(Provider.status == ProviderStatus.APPROVED)
        .group_by(Provider.category_id)
    )
    return dict(db.execute(query).all())


def taken_slugs(db: Session, slugs: Sequence[str]) -> set[str]:
    """The slugs among these that profiles use already."""
    return set(db.scalars(select(Provider.slug).where(Provider.slug.in_(slugs))))


def _with_category(condition: ColumnElement[bool]) -> Select[Provider, Category]:
    return (
        select(Provider, Category)
        .join(Category, Category.id == Provider.category_id)
        .where(condition)
    )


def _changed_credentials() -> ColumnElement[bool]:
    return and_(
        Provider.status == ProviderStatus.APPROVED, Provider.credentials_changed_at.is_not(None)
    )


def _public() -> tuple[ColumnElement[bool], ...]:
    return (Provider.status == ProviderStatus.APPROVED, User.active.is_(True))


def _storable(text: str) -> str:
    """Text of a URL with NUL replaced: PostgreSQL refuses NUL, and no stored text contains it."""
    return text.replace("\0", "\ufffd")


def _existing(provider: Provider | None) -> Provider:
    if provider is None:
        raise UnknownProvider
    return provider
