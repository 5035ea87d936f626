"""The API's description is our own page: complete, and with nothing from elsewhere."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from imatch.web import docs
from imatch.web.docs import type_name


class Wish(BaseModel):
    words: str = Field(max_length=200, description="What you <need>.")
    budget_cents: int | None = Field(default=None, ge=0)


class Found(BaseModel):
    names: list[str]
    wish: Wish


router = APIRouter(prefix="/api/v1/wishes", tags=["Wishes"])


@router.post("/{wish_id}", status_code=201)
def make_wish(
    wish_id: int,
    wish: Wish,
    tier: Annotated[str, Query(description="How many.", pattern="^(basic|premium)$")] = "basic",
) -> Found:
    """Make a wish come true."""
    return Found(names=[tier, str(wish_id)], wish=wish)


@router.get("/bare", tags=["Other things"])
def bare() -> dict[str, str]:
    return {}


def _app() -> FastAPI:
    app = FastAPI(title="Try", version="9", docs_url=None, redoc_url=None)
    app.include_router(router)
    app.include_router(docs.router)
    return app


def test_operations_are_grouped_with_what_they_take_and_answer() -> None:
    page = TestClient(_app()).get("/docs").text
    for words in (
        ">Wishes</h2>",
        "POST",
        "/api/v1/wishes/{wish_id}",
        "Bare",
        "Make a wish come true.",
        "How many.",
        "pattern ^(basic|premium)$",
        "What you &lt;need&gt;.",
        "longest length 200",
        "integer or null",
        "at least 0",
        'href="#schema-Wish"',
        'id="schema-Found"',
        "list of text",
    ):
        assert words in page, words


def test_groups_keep_their_order_and_the_page_itself_is_not_listed() -> None:
    groups = docs.grouped_operations(_app().openapi())
    assert list(groups) == ["Wishes"]
    assert [operation.path for operation in groups["Wishes"]] == [
        "/api/v1/wishes/{wish_id}",
        "/api/v1/wishes/bare",
    ]
    (wish, _) = groups["Wishes"]
    assert [(field.name, field.place, field.required) for field in wish.fields] == [
        ("wish_id", "path", True),
        ("tier", "query", False),
    ]
    assert [(field.name, field.required) for field in wish.body_fields] == [
        ("words", True),
        ("budget_cents", False),
    ]
    assert [answer.status for answer in wish.answers] == ["201", "422"]


def test_types_are_told_in_words() -> None:
    told = {
        type_name(schema).words
        for schema in (
            {"type": "string", "format": "date"},
            {"enum": ["a", "b"]},
            {"const": 3},
            {"type": "array", "items": {"$ref": "#/components/schemas/Wish"}},
            {},
        )
    }
    assert told == {"text (date)", "“a” or “b”", "“3”", "list of Wish", "anything"}


def test_the_real_api_is_described_under_the_content_policy(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "/health" in answer.text
    assert "http://" not in answer.text.replace('href="http://127.0.0.1', "")
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in document["paths"]:
        assert path in answer.text


def test_errors_are_described_as_what_they_are(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    described = document["paths"]["/api/v1/me"]["get"]["responses"]["401"]["content"]
    schema = described["application/problem+json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    fields = document["components"]["schemas"][schema]["properties"]
    answer = client.get("/api/v1/no-such-thing")
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) <= set(fields)
