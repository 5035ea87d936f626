"""What people do and become, as facts."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Side(StrEnum):
    """The sides of the marketplace. An account can be on both, or on none."""

    SEEKER = "seeker"
    PROVIDER = "provider"


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
class ProfileCompleted:
    """A provider's profile or a seeker's intake is whole, and the e-mail address confirmed."""

    user_id: int
    side: Side
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DayBegun:
    """A person's first sign-in of a day with an action."""

    user_id: int
    day: date


@dataclass(frozen=True, slots=True)
class ThirtyDaysVisited:
    user_id: int
    days: int  # 30, 60, 90 and so on


@dataclass(frozen=True, slots=True)
class IdentityVerified:
    user_id: int


@dataclass(frozen=True, slots=True)
class SecondFactorKept:
    """A second factor has stood for thirty days."""

    user_id: int
