"""Inputs and outputs of the engine: plain frozen values, no database, no web."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import Importance

Rows = NDArray[np.int64]  # row numbers of providers in a snapshot


@dataclass(frozen=True, slots=True)
class StatedNeed:
    """A seeker's request: their own words, answers by field, and the importance of each answer."""

    category: str
    text: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    importance: Mapping[str, Importance] = field(default_factory=dict)
    custom_criteria: str = ""

    def answer(self, name: str) -> Any:  # noqa: ANN401 -- JSON, its shape follows the field's kind
        """The answer to a field; None if there is none or its importance is `ignore`."""
        if self.importance.get(name) == Importance.IGNORE:
            return None
        value = self.answers.get(name)
        return None if value in ("", [], {}, ()) else value

    def is_must(self, name: str) -> bool:
        return self.importance.get(name) == Importance.MUST


@dataclass(frozen=True, slots=True)
class RankableProvider:
    """A provider as the engine reads one: stated profile, own words, and measured counts."""

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
    # Earlier requests they took, in the seekers' words; empty until `engagements` stores them.
    past: tuple[str, ...] = ()
    past_tags: tuple[tuple[str, ...], ...] = ()  # the topics of each earlier request
    specialty_counts: Mapping[str, int] = field(default_factory=dict)  # requests taken, by topic
    profile_updated: date | None = None  # when the provider last confirmed the profile


@dataclass(frozen=True, slots=True)
class Reason:
    """What the seeker wants, and the provider's fact that answers it."""

    criterion: str
    want: str
    offer: str
    since: date | None = None  # the date of the fact, if known


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """One criterion of the fit: a `score` of 0..1 with its integer `weight`.

    A weight of 0 means that the criterion did not count; `note` says why. Where the provider's
    score is unknown (`known` is False), `score` is the pool's mean.
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
    """One provider on a shortlist, with everything that the Why page needs."""

    provider_id: int
    fit: float  # 0..100, see imatch.ranking.fit.fit
    order_score: float
    accept: float  # probability that this provider accepts the request
    occupancy: float  # share of the capacity in use
    exposure_price: float
    criteria: tuple[CriterionScore, ...]
    reasons: tuple[Reason, ...]
    caveat: str
    best_sentence: str
    counterfactual: str
    newcomer: bool
    propensity: float  # probability of this position, given need and pool


@dataclass(frozen=True, slots=True)
class UnrankedPick:
    """A provider outside the order, scored like the candidates in it."""

    pick: Pick
    better_count: int  # candidates with a higher fit
    candidate_count: int


@dataclass(frozen=True, slots=True)
class GateEffect:
    """How many providers one gate removes from the pool of a need."""

    gate: str
    label: str
    count: int  # providers that fail this gate
    relaxable: bool
    would_remain: int  # providers that would pass without this gate


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A gate that the seeker could drop, and how many more providers would then pass."""

    gate: str
    label: str
    gained: int


@dataclass(frozen=True, slots=True)
class PoolCount:
    """How many providers pass the gates of a need, for the live count of the intake."""

    passed: int
    total: int
    removed: tuple[GateEffect, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The result of ranking a pool for a need."""

    picks: tuple[Pick, ...]  # best first
    considered: int  # candidates that were scored
    passed: int  # providers that pass every gate
    removed: tuple[GateEffect, ...]
    relaxations: tuple[Relaxation, ...]
