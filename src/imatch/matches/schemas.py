"""Wire shapes of shortlists and matches."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ShortlistIn(BaseModel):
    """What to make: the free kind, or one for POT."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["basic", "premium", "re_match", "custom_criteria"] = Field(
        default="basic",
        description="`basic` is free. `premium` (100 POT) gives ten people, `re_match` (50 POT)"
        " three others, `custom_criteria` (150 POT) weighs your own criteria. They need the"
        " owner's account, an Idempotency-Key, and are charged only if somebody is new.",
    )
    criteria: str = Field(
        default="", max_length=1_000, description="What else should count, for custom_criteria."
    )
    refusal: Literal["price", "place_or_time", "other"] | None = Field(
        default=None, description="Why nobody was right, for re_match: it becomes a rule."
    )


class RuleOut(BaseModel):
    """What one rule did to the people of the category."""

    name: str
    label: str
    removed: int = Field(description="How many it left out. One person can fail several rules.")
    relaxable: bool = Field(description="Whether a seeker may give it up.")
    would_remain: int = Field(description="How many would meet all the others.")


class PersonOut(BaseModel):
    """A professional as anybody may see them."""

    slug: str
    name: str
    headline: str
    price: str = Field(description="All-in, in words; empty when not stated.")
    rating: str = Field(description="Empty until there is one.")
    reply_time: str = Field(description="Measured; empty until it is.")
    checked_credentials: list[str]
    takes_people: bool


class ReasonOut(BaseModel):
    criterion: str
    want: str
    offer: str
    since: date | None


class MatchOut(BaseModel):
    """One person on a shortlist."""

    id: int
    shortlist_id: int
    need_id: int
    position: int
    status: str
    fit: float = Field(description="0 to 100, one decimal.")
    newcomer: bool = Field(description="Drawn for the place that is kept for new people.")
    person: PersonOut
    reasons: list[ReasonOut]
    caveat: str
    created_at: datetime


class ShortlistOut(BaseModel):
    id: int
    need_id: int
    kind: str
    considered: int
    passed: int = Field(description="How many met every rule.")
    rules: list[RuleOut]
    disclosures: list[str]
    matches: list[MatchOut]
    created_at: datetime


class MatchPageOut(BaseModel):
    items: list[MatchOut]
    next_cursor: str | None


class LineOut(BaseModel):
    """One criterion of the sum: `weight * score` is its share of the fit."""

    criterion: str
    label: str
    asked: str
    offered: str
    source: str
    day: date | None
    weight: int
    score: float
    points: float
    pool_mean: float
    known: bool = Field(description="False: the score stands at the mean of those considered.")
    note: str
    parts: dict[str, float]


class OrderOut(BaseModel):
    """fit * sqrt(accept) * sqrt(room) - price, from unrounded factors."""

    fit: float
    accept: float
    room: float
    price: float
    score: float


class ArithmeticOut(BaseModel):
    """100 * sum(weight * score) / sum(weight), repeated from the stored scores."""

    lines: list[LineOut]
    weights: int
    points: float
    fit: float
    agrees: bool = Field(description="Whether the repeated fit is the one that was shown.")
    order: OrderOut


class MatchDetailOut(MatchOut):
    arithmetic: ArithmeticOut
    best_sentence: str
    counterfactual: str
    propensity: float
