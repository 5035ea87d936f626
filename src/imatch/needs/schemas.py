"""Request and response schemas of needs."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class NeedIn(BaseModel):
    """A whole need. Which fields there are, and of what kind, the category's definition says."""

    model_config = ConfigDict(extra="forbid")

    category: str = Field(max_length=64, examples=["financial_advisors"])
    values: dict[str, Any] = Field(
        examples=[{"needs_description": "Shares vest in May.", "needs": ["tax"]}]
    )
    importance: dict[str, Any] = Field(
        default_factory=dict,
        description="must, prefer or ignore, for fields that can be a must.",
        examples=[{"format": "must"}],
    )


class NoticeOut(BaseModel):
    """Something to take care of before a first session."""

    title: str
    text: str


class NeedOut(BaseModel):
    id: int
    category: str
    status: str
    values: dict[str, Any]
    importance: dict[str, str]
    notices: list[NoticeOut]
    created_at: datetime
    completed_at: datetime | None


class NeedCreated(NeedOut):
    token: str = Field(description="Send it as X-Need-Token to open this need. Shown once.")
