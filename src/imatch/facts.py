"""Everything that can happen in the marketplace, on one page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmailConfirmed:
    user_id: int


@dataclass(frozen=True, slots=True)
class NeedCompleted:
    """A seeker finished the intake and may be matched."""

    seeker_id: int
    category: str


@dataclass(frozen=True, slots=True)
class ProviderSubmitted:
    provider_id: int
    user_id: int
    category: str


@dataclass(frozen=True, slots=True)
class ProviderApproved:
    provider_id: int
    user_id: int
    category: str


@dataclass(frozen=True, slots=True)
class ProviderRejected:
    provider_id: int
    user_id: int
    category: str
    reason: str


@dataclass(frozen=True, slots=True)
class MatchesSuggested:
    """Providers were shown to a seeker."""

    seeker_id: int
    shortlist_id: int
    provider_ids: tuple[int, ...]
