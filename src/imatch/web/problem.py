"""What an error looks like to a program (RFC 9457), for the API's description."""

from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
_MEANINGS = {
    400: "The body cannot be read.",
    401: "Nobody is signed in, or the API key is unknown or was revoked.",
    403: "Not allowed, or sent by another site's page.",
    404: "There is nothing here that you may see.",
    409: "It does not fit what is there now.",
    413: "More than one request may hold.",
    415: "The body says that it is in another encoding than UTF-8.",
    422: "Some of what was sent is not usable; `errors` names the fields.",
    429: "Tried too often; `Retry-After` says in how many seconds the next try may come.",
    503: "Not possible for the moment.",
}


class Fault(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """An error; nothing was changed."""

    type: str = Field(description="The code as a URN.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong, written for people.")
    code: str = Field(description="What is wrong, for programs; it stays the same over releases.")
    request_id: str = Field(description="Tell us this when you ask about the error.")
    errors: list[Fault] = Field(default=[], description="What is wrong with single fields.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a router or route: errors that only its own code can answer with.

    What every operation can answer is added to the whole description at once (web.openapi).
    """
    reference = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": reference}},
        }
        for status in statuses
    }
