"""Request and response schemas of the account API."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from imatch.accounts.models import API_KEY_NAME_MAX_CHARACTERS


class MeOut(BaseModel):
    """The person or program that asks."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    name: str
    account_type: str
    created_at: datetime


class ApiKeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str,
        Field(min_length=1, max_length=API_KEY_NAME_MAX_CHARACTERS, examples=["Nightly export"]),
    ]


class ApiKeyOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    prefix: Annotated[str, Field(description="The key's first characters, to know it by.")]
    created_at: datetime
    last_used_at: datetime | None


class NewApiKeyOut(ApiKeyOut):
    key: Annotated[str, Field(description="The whole key. It is shown only in this answer.")]


class ApiKeysOut(BaseModel):
    items: list[ApiKeyOut]
