"""A provider's row as the matching engine sees one: what they state, and what was measured."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row

from imatch.categories.schemas import CategoryDefinition, Kind
from imatch.ranking.types import RankableProvider

_MINUTES_AN_HOUR = 60
# Long texts that are duties of disclosure: their words say nothing about what somebody is good at.
_NOT_READ = frozenset({"conflicts"})


def is_matchable(row: Row[Any], moment: datetime) -> bool:
    """Whether an approved provider of an active account takes new people at this moment."""
    paused = row.paused_until is not None and row.paused_until > moment
    return bool(row.accepting_new) and not paused


def next_wake(row: Row[Any], moment: datetime) -> datetime | None:
    """When time alone next changes what may be said of a provider: a pause or credential ends."""
    ends = [row.paused_until] if row.paused_until is not None else []
    ends += [
        datetime.combine(day + timedelta(days=1), time(), UTC)
        for kind, day in _expiries(row.profile)
        if kind in row.verified_credentials
    ]
    return min((end for end in ends if end > moment), default=None)


def offer_of(definition: CategoryDefinition, row: Row[Any], today: date) -> RankableProvider:
    """The row of `queries.offer_rows` as an Offer. What nobody measured stays unknown."""
    valid = verified(row.verified_credentials, row.profile, today)
    return RankableProvider(
        provider_id=row.id,
        passages=tuple(_passages(definition, row.profile)),
        profile=row.profile,
        rating_sum=row.rating_sum,
        rating_count=row.rating_count,
        completed_count=row.completed_count,
        repeat_count=row.repeat_count,
        invites=row.invite_count,
        accepts=row.accept_count,
        active_count=row.active_count,
        pending_count=row.pending_count,
        capacity=row.capacity,
        accepting_new=True,
        response_hours=(
            None if row.response_minutes is None else row.response_minutes / _MINUTES_AN_HOUR
        ),
        last_active=None if row.last_active_at is None else row.last_active_at.date(),
        joined=row.created_at.date(),
        verified=valid,
        verified_on={
            kind: date.fromisoformat(day) for kind, day in row.verified_on.items() if kind in valid
        },
        profile_updated=row.updated_at.date(),
    )


def verified(checked: list[str], profile: Mapping[str, Any], today: date) -> frozenset[str]:
    """The credential types that an operator checked and that have not expired since."""
    expired = {kind for kind, day in _expiries(profile) if day < today}
    return frozenset(checked) - expired


def _expiries(profile: Mapping[str, Any]) -> Iterator[tuple[str, date]]:
    for credential in profile.get("credentials", ()):
        if "expires" in credential:
            yield credential["type"], date.fromisoformat(credential["expires"])


def _passages(definition: CategoryDefinition, profile: Mapping[str, Any]) -> Iterator[str]:
    """What a provider wrote in public about the work, the headline first."""
    if headline := profile.get("headline"):
        yield headline
    for name, field in definition.provider.items():
        if field.kind is Kind.LONG_TEXT and field.public and name not in _NOT_READ:
            text = profile.get(name)
            if text:
                yield text
