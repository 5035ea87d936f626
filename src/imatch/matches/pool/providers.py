"""Convert a provider's row into the input of the ranking engine."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row

from imatch.categories.schemas import CategoryDefinition, Kind
from imatch.ranking.types import RankableProvider

_MINUTES_PER_HOUR = 60
# Long texts that are mandatory disclosures: they say nothing about expertise.
_IGNORED_FIELDS = frozenset({"conflicts"})


def is_matchable(row: Row[Any], moment: datetime) -> bool:
    """Whether an approved provider with an active account accepts new people at this moment."""
    paused = row.paused_until is not None and row.paused_until > moment
    return bool(row.accepting_new) and not paused


def next_change(row: Row[Any], moment: datetime) -> datetime | None:
    """When a pause or a verified credential ends next, after `moment`; None if never."""
    ends = [row.paused_until] if row.paused_until is not None else []
    ends += [
        datetime.combine(day + timedelta(days=1), time(), UTC)
        for credential, day in _expiries(row.profile)
        if credential in row.verified_credentials
    ]
    return min((end for end in ends if end > moment), default=None)


def rankable_provider(
    definition: CategoryDefinition, row: Row[Any], today: date
) -> RankableProvider:
    """A row of `queries.pool_rows` as a RankableProvider. Unmeasured values stay unknown."""
    valid_credentials = verified(row.verified_credentials, row.profile, today)
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
            None if row.response_minutes is None else row.response_minutes / _MINUTES_PER_HOUR
        ),
        last_active=None if row.last_active_at is None else row.last_active_at.date(),
        joined=row.created_at.date(),
        verified=valid_credentials,
        verified_on={
            credential: date.fromisoformat(day)
            for credential, day in row.verified_on.items()
            if credential in valid_credentials
        },
        profile_updated=row.updated_at.date(),
    )


def verified(checked: list[str], profile: Mapping[str, Any], today: date) -> frozenset[str]:
    """The types among `checked` credentials that have not expired."""
    expired = {credential for credential, day in _expiries(profile) if day < today}
    return frozenset(checked) - expired


def _expiries(profile: Mapping[str, Any]) -> Iterator[tuple[str, date]]:
    for credential in profile.get("credentials", ()):
        if "expires" in credential:
            yield credential["type"], date.fromisoformat(credential["expires"])


def _passages(definition: CategoryDefinition, profile: Mapping[str, Any]) -> Iterator[str]:
    """A provider's public long texts about their work, the headline first."""
    if headline := profile.get("headline"):
        yield headline
    for name, field in definition.provider.items():
        if field.kind is Kind.LONG_TEXT and field.public and name not in _IGNORED_FIELDS:
            text = profile.get(name)
            if text:
                yield text
