"""What goes into the engine and what comes out: plain frozen values, no database, no web."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from imatch.categories.schemas import Importance


@dataclass(frozen=True, slots=True)
class StatedNeed:
    """A seeker's request: own words, answers by seeker field, and how much each answer matters."""

    category: str
    text: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    importance: Mapping[str, Importance] = field(default_factory=dict)
    custom_criteria: str = ""

    def answer(self, name: str) -> Any:  # noqa: ANN401 -- JSON, its shape follows the field's kind
        """The answer to a field, or None where there is none or the seeker said to ignore it."""
        if self.importance.get(name) == Importance.IGNORE:
            return None
        given = self.answers.get(name)
        return None if given in ("", [], {}, ()) else given

    def is_must(self, name: str) -> bool:
        return self.importance.get(name) == Importance.MUST


@dataclass(frozen=True, slots=True)
class RankableProvider:
    """A provider as the engine sees one: stated profile, own words, and what was measured."""

    provider_id: int
    passages: tuple[str, ...]
    profile: Mapping[str, Any]
    rating_sum: float
    rating_count: int
    completed_count: int
    repeat_count: int
    invites: int
    accepts: int
    active_count: int
    pending_count: int
    capacity: int
    accepting_new: bool
    response_hours: float | None
    last_active: date | None
    joined: date
    verified: frozenset[str] = frozenset()  # credential types that an operator checked
    verified_on: Mapping[str, date] = field(default_factory=dict)  # the day of each check
    # Earlier requests taken, in their seekers' words: none before `engagements` keeps them.
    past: tuple[str, ...] = ()
    past_tags: tuple[tuple[str, ...], ...] = ()  # the topics of each of them
    specialty_counts: Mapping[str, int] = field(default_factory=dict)  # requests taken by topic
    profile_updated: date | None = None  # when the stated facts were last confirmed


@dataclass(frozen=True, slots=True)
class Reason:
    """A want of the seeker beside the fact that answers it."""

    criterion: str
    want: str
    offer: str
    since: date | None = None  # the date of the fact, where one is known


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """One line of the arithmetic: `score` counts `weight` times in the fit.

    A weight of 0 says that the criterion was not weighed; `note` says why. An unknown score
    (`known` False) stands at the pool's mean.
    """

    name: str
    label: str
    weight: int
    score: float
    pool_mean: float
    known: bool
    parts: Mapping[str, float]
    note: str


@dataclass(frozen=True, slots=True)
class Pick:
    """One person on a shortlist, with everything that the Why page needs."""

    provider_id: int
    fit: float  # 0..100, arithmetic.fit(criteria)
    order_score: float
    accept: float  # chance that this provider takes the request
    occupancy: float  # share of the capacity in use
    exposure_price: float
    criteria: tuple[CriterionScore, ...]
    reasons: tuple[Reason, ...]
    caveat: str
    best_sentence: str
    counterfactual: str
    newcomer: bool
    propensity: float  # how probable this place was, given need and pool


@dataclass(frozen=True, slots=True)
class Compared:
    """One person who takes no part in an order, measured like those who do."""

    pick: Pick
    better: int  # of those compared, how many fit better
    compared: int


@dataclass(frozen=True, slots=True)
class Removed:
    """What one rule does to the pool of a need."""

    gate: str
    label: str
    count: int  # how many it removes
    relaxable: bool
    would_remain: int  # how many would remain without this rule


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A rule that could be given up, and how many more people that would leave."""

    gate: str
    label: str
    gained: int


@dataclass(frozen=True, slots=True)
class Left:
    """The live count of the intake."""

    left: int
    total: int
    removed: tuple[Removed, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    picks: tuple[Pick, ...]
    considered: int
    passed: int
    removed: tuple[Removed, ...]
    relaxations: tuple[Relaxation, ...]
