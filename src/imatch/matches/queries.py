"""Reads of matches: rows for the ranking pools, and what a viewer may see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, String, and_, or_, select, type_coerce
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.errors import NotFound
from imatch.matches.models import Match, MatchKind, Shortlist
from imatch.needs.models import Need
from imatch.providers.models import Provider, ProviderStatus

_LISTS_SHOWN = 20


class NoSuchShortlist(NotFound):
    code = "no_such_shortlist"

    def __init__(self) -> None:
        super().__init__("There is no such list among yours.")


class NoSuchMatch(NotFound):
    code = "no_such_match"

    def __init__(self) -> None:
        super().__init__("There is no such match among yours.")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads matches: by a need's token, an account, or both."""

    seeker_id: int | None = None
    user_id: int | None = None

    def owns(self) -> ColumnElement[bool]:
        """SQL condition on `seekers`: the needs this viewer may read, if any."""
        return or_(
            Need.id == (self.seeker_id or 0),
            Need.user_id == (self.user_id or 0),
        )


# ---- the index ----


# The text of a row's `updated_at`, as the driver returns it. It is only compared: parsing many
# thousands of them as datetimes takes five times as long.
CHANGE_MARK: Final = type_coerce(Provider.updated_at, String).label("change_mark")


def pool_rows(category_id: int) -> Select[Any]:
    """Select the approved providers of a category as plain columns, far cheaper than objects."""
    return (
        select(
            Provider.id,
            Provider.profile,
            Provider.verified_credentials,
            Provider.verified_on,
            Provider.accepting_new,
            Provider.paused_until,
            Provider.capacity,
            Provider.active_count,
            Provider.pending_count,
            Provider.shown_count,
            Provider.invite_count,
            Provider.accept_count,
            Provider.completed_count,
            Provider.repeat_count,
            Provider.rating_sum,
            Provider.rating_count,
            Provider.response_minutes,
            Provider.last_active_at,
            Provider.created_at,
            Provider.updated_at,
            CHANGE_MARK,
        )
        .join(User, User.id == Provider.user_id)
        .where(
            Provider.category_id == category_id,
            Provider.status == ProviderStatus.APPROVED,
            User.active,
        )
    )


def changes(category_id: int, since: datetime) -> Select[int, str]:
    """Select id and CHANGE_MARK of the providers whose row changed after a moment."""
    return select(Provider.id, CHANGE_MARK).where(
        Provider.category_id == category_id, Provider.updated_at > since
    )


def _takes_people(moment: datetime) -> ColumnElement[bool]:
    awake = or_(Provider.paused_until.is_(None), Provider.paused_until <= moment)
    return (Provider.status == ProviderStatus.APPROVED) & Provider.accepting_new & awake


def matchable_ids(category_id: int, moment: datetime) -> Select[int]:
    return (
        select(Provider.id)
        .join(User, User.id == Provider.user_id)
        .where(Provider.category_id == category_id, User.active, _takes_people(moment))
    )


def matchable(db: Session, provider_ids: Iterable[int], moment: datetime) -> dict[int, Provider]:
    """The providers among these that can be suggested now."""
    found = db.scalars(
        select(Provider)
        .join(User, User.id == Provider.user_id)
        .where(Provider.id.in_(list(provider_ids)), User.active, _takes_people(moment))
    )
    return {provider.id: provider for provider in found}


# ---- shortlists and matches ----


def shortlist_for(
    db: Session, seeker_id: int, kind: MatchKind, answers_hash: str
) -> Shortlist | None:
    """The stored shortlist for the same answers of the same need."""
    return db.scalar(
        select(Shortlist)
        .where(
            Shortlist.seeker_id == seeker_id,
            Shortlist.kind == kind,
            Shortlist.answers_hash == answers_hash,
        )
        .order_by(Shortlist.id.desc())
        .limit(1)
    )


def matches_of(db: Session, shortlist_id: int) -> Sequence[Match]:
    """The matches of a shortlist, in order of place."""
    return db.scalars(
        select(Match).where(Match.shortlist_id == shortlist_id).order_by(Match.position)
    ).all()


def shortlist_of(db: Session, match: Match) -> Shortlist:
    return db.get_one(Shortlist, match.shortlist_id)


def paid_shortlists(db: Session, seeker_id: int) -> Sequence[Shortlist]:
    """The bought ones of a need, the newest first."""
    bought = select(Shortlist).where(
        Shortlist.seeker_id == seeker_id, Shortlist.kind != MatchKind.BASIC
    )
    return db.scalars(bought.order_by(Shortlist.id.desc()).limit(_LISTS_SHOWN)).all()


def own_shortlist(db: Session, shortlist_id: int, viewer: Viewer) -> Shortlist:
    """One shortlist of the viewer's. Raises NoSuchShortlist, also for somebody else's."""
    found = db.scalar(
        select(Shortlist)
        .join(Need, Need.id == Shortlist.seeker_id)
        .where(Shortlist.id == shortlist_id, viewer.owns())
    )
    if found is None:
        raise NoSuchShortlist
    return found


def shown_before(db: Session, seeker_id: int) -> frozenset[int]:
    """The ids of all providers suggested to this need."""
    return frozenset(db.scalars(select(Match.provider_id).where(Match.seeker_id == seeker_id)))


def people(
    db: Session, provider_ids: Iterable[int], moment: datetime
) -> dict[int, tuple[Provider, bool]]:
    """Providers by id, and whether they can be suggested at this moment."""
    takes_people = and_(User.active, _takes_people(moment))
    found = db.execute(
        select(Provider, takes_people)
        .join(User, User.id == Provider.user_id)
        .where(Provider.id.in_(list(provider_ids)))
    )
    return {provider.id: (provider, bool(takes)) for provider, takes in found}


def ids_of_slugs(db: Session, slugs: Sequence[str]) -> frozenset[int]:
    """The ids of the providers with these slugs; unknown slugs are ignored."""
    if not slugs:
        return frozenset()
    return frozenset(db.scalars(select(Provider.id).where(Provider.slug.in_(slugs))))


def match_of(db: Session, match_id: int, viewer: Viewer) -> Match:
    """One match of the viewer's. Raises NoSuchMatch, also for somebody else's."""
    return matches_by_id(db, [match_id], viewer)[0]


def matches_by_id(db: Session, match_ids: Sequence[int], viewer: Viewer) -> list[Match]:
    """These matches of the viewer's in the order asked. Raises NoSuchMatch when one is not."""
    found = {
        match.id: match
        for match in db.scalars(
            select(Match)
            .join(Need, Need.id == Match.seeker_id)
            .where(Match.id.in_(match_ids), viewer.owns())
        )
    }
    if any(match_id not in found for match_id in match_ids):
        raise NoSuchMatch
    return [found[match_id] for match_id in match_ids]


def page_of_matches(
    db: Session, viewer: Viewer, *, after_id: int | None, limit: int
) -> Sequence[Match]:
    """Up to `limit` + 1 matches of the viewer's, the newest first, older than `after_id`."""
    chosen = select(Match).join(Need, Need.id == Match.seeker_id).where(viewer.owns())
    if after_id is not None:
        chosen = chosen.where(Match.id < after_id)
    return db.scalars(chosen.order_by(Match.id.desc()).limit(limit + 1)).all()
