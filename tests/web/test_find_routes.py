"""The router of sections finds what the whole router finds, and refuses what it refuses."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from imatch.web.routing import SectionRouter


def build() -> FastAPI:
    app = FastAPI()
    people, things = APIRouter(), APIRouter(prefix="/things")

    @people.get("/")
    def home() -> str:
        return "home"

    @people.get("/people/{name}")
    def person(name: str) -> str:
        return f"person {name}"

    @people.get("/things/first")
    def first_thing() -> str:
        return "the first of two routers that know it"

    @things.get("/first")
    def hidden() -> str:
        return "hidden"

    @things.get("/{number:int}")
    def thing(number: int) -> str:
        return f"thing {number}"

    @things.post("/{number:int}")
    def change(number: int) -> str:
        return f"changed {number}"

    @app.get("/{word}/anywhere")
    def anywhere(word: str) -> str:
        return f"anywhere {word}"

    app.include_router(people)
    app.include_router(things)
    return app


@pytest.fixture
def whole() -> Iterator[TestClient]:
    with TestClient(build()) as client:
        yield client


@pytest.fixture
def sectioned() -> Iterator[TestClient]:
    app = build()
    app.router.middleware_stack = SectionRouter(app.router)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/people/ada",
        "/people/ada/",
        "/people",
        "/things/first",
        "/things/7",
        "/things/seven",
        "/things/anywhere",
        "/other/anywhere",
        "/openapi.json",
        "/nothing",
        "//things/7",
        "/things%2F7",
        "/%74hings/7",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_answers_as_the_whole_router(
    whole: TestClient, sectioned: TestClient, method: str, path: str
) -> None:
    expected = whole.request(method, path, follow_redirects=False)
    answer = sectioned.request(method, path, follow_redirects=False)
    assert (answer.status_code, answer.content) == (expected.status_code, expected.content)
    for header in ("allow", "location"):
        assert answer.headers.get(header) == expected.headers.get(header)


def test_a_route_that_is_added_later_is_found() -> None:
    app = build()
    app.router.middleware_stack = SectionRouter(app.router)
    client = TestClient(app)
    assert client.get("/things/late").status_code == 404

    @app.get("/things/late")
    def late() -> str:
        return "late"

    assert client.get("/things/late").json() == "late"
