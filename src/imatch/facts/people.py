"""Facts about people."""

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
    """A person requested their data. Listeners add their part to `sections` as plain JSON."""

    user_id: int
    sections: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonErased:
    """An account is erased. Listeners delete its data, or anonymize what the books require."""

    user_id: int


@dataclass(frozen=True, slots=True)
class ProfileCompleted:
    """A provider's profile or a seeker's intake is complete, and the e-mail address confirmed."""

    user_id: int
    side: Side
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DayBegun:
    """A person's first action of a day while signed in."""

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
    """A second factor was active for thirty days."""

    user_id: int
