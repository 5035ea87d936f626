"""Request and response schemas of profiles."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from imatch.providers.models import ProviderStatus


class CredentialOut(BaseModel):
    type: str
    label: str
    verified: bool = Field(description="An operator checked it; otherwise it is only stated.")
    verified_on: date | None = Field(description="Day of the check.")
    expired: bool = Field(description="Its stated day of expiry has passed.")


class RatingOut(BaseModel):
    average: float = Field(description="Mean stars, 1 to 5, two decimals.")
    count: int


class FieldOut(BaseModel):
    """One public fact: `value` as JSON of its kind, `text` as a person reads it."""

    name: str
    label: str
    value: Any
    text: str


class ProviderSummaryOut(BaseModel):
    slug: str
    display_name: str
    headline: str
    category: str
    price: str
    formats: list[str]
    languages: list[str]
    accepting_new: bool
    verified_credentials: list[str]
    rating: RatingOut | None = Field(description="null until somebody rated.")


class ProviderOut(ProviderSummaryOut):
    fields: list[FieldOut]
    credentials: list[CredentialOut]


class ProviderPage(BaseModel):
    items: list[ProviderSummaryOut]
    next_cursor: str | None


class GapOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    field: str
    label: str
    effect: str


class OwnProviderOut(BaseModel):
    """A professional's own profile, private fields included."""

    category: str
    slug: str
    status: ProviderStatus
    values: dict[str, Any]
    percent_complete: int
    required_gaps: list[GapOut]
    recommended_gaps: list[GapOut]
    decision_reason: str
    accepting_new: bool
    paused_until: datetime | None
    capacity: int
    verified_credentials: list[str]
    updated_at: datetime


class OwnProviders(BaseModel):
    items: list[OwnProviderOut]


class ValuesIn(BaseModel):
    """All values of the profile, by field name of the category's definition."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any] = Field(
        examples=[{"display_name": "Ada Example", "specialties": ["retirement"]}]
    )
