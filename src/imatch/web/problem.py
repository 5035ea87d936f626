"""What an error looks like to a program (RFC 9457), for the API's description."""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    type: str = Field(description="The code as a URN.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong, written for people.")
    code: str = Field(description="What is wrong, for programs; it stays the same over releases.")
    request_id: str = Field(description="Tell us this when you ask about the error.")
    errors: list[dict[str, str]] = Field(
        default=[], description="What is wrong with single fields: `field` and `message`."
    )


# One entry for every operation: which of these statuses it can answer is told by its `code`.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused; nothing was changed.",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
}
