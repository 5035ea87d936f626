"""Everything that can happen in the marketplace, on one page."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EmailConfirmed:
    user_id: int


@dataclass(frozen=True, slots=True)
class PersonExported:
    """Somebody asks for all that is held about them: listeners add their part as plain JSON."""

    user_id: int
    sections: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonErased:
    """An account goes: listeners delete what they hold, or blank it where the books need it."""

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
