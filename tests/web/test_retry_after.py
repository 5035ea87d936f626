"""Who may try again later reads when: in `Retry-After` of every 429 and 503, page or API."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, HTTPException, Request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.responses import Response
from starlette.testclient import TestClient

from imatch import wiring
from imatch.app import create_app
from imatch.core import database
from imatch.core.domains import router
from imatch.core.errors import DomainError, RateLimited
from imatch.web.forms import private_page
from imatch.web.middleware import RETRY_AFTER_SECONDS

SECONDS = 42


def _descendants(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _descendants(child)


def _errors_of_the_program() -> list[type[DomainError]]:
    """Every error of status 429 or 503 that the web can raise."""
    for package, domain in wiring.domains().items():
        for name in (*domain.api, *domain.pages):
            router(package, name)
    passing = {kind for kind in _descendants(DomainError) if kind.status in {429, 503}}
    ours = {kind for kind in passing if kind.__module__.startswith("imatch.")}
    return sorted(ours, key=lambda kind: kind.__name__)


ERRORS = _errors_of_the_program()


def _made(kind: type[DomainError]) -> DomainError:
    """The error, whatever its own constructor asks for."""
    error = kind.__new__(kind)
    if isinstance(error, RateLimited):
        RateLimited.__init__(error, "Wait a little.", retry_after_seconds=SECONDS)
    else:
        DomainError.__init__(error, "Wait a little.")
    return error


@pytest.fixture
def busy(sqlite_url: str) -> Iterator[TestClient]:
    """The site, with routes that raise the errors or show them beside a form."""
    routes = APIRouter()
    kinds = {kind.__name__: kind for kind in ERRORS}

    @routes.get("/api/v1/busy/{name}")
    @routes.get("/busy/{name}")
    def refuse(name: str) -> None:
        raise _made(kinds[name])

    @routes.get("/form/{name}")
    def show(request: Request, name: str) -> Response:
        return private_page(request, "accounts/name.html", {"name": ""}, _made(kinds[name]))

    @routes.get("/api/v1/cut/{way}")
    @routes.get("/cut/{way}")
    def cut(way: str) -> None:
        raise {
            "connection": OperationalError("SELECT 1", {}, Exception("the server is gone")),
            "pool": PoolTimeout("no connection is free"),
            "library": HTTPException(503),
            "limiter": HTTPException(429),
        }[way]

    engine = database.bind(sqlite_url)
    app = create_app()
    app.include_router(routes)
    with TestClient(app, base_url="http://127.0.0.1:8401") as client:
        yield client
    engine.dispose()


def test_the_program_has_such_errors() -> None:
    names = {kind.__name__ for kind in ERRORS}
    assert names >= {"TooManyTries", "TooManyNeeds", "MatchingUnavailable", "TooManyStreams"}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("place", ["/busy", "/api/v1/busy", "/form"])
def test_each_error_says_when_to_try_again(
    busy: TestClient, place: str, kind: type[DomainError]
) -> None:
    answer = busy.get(f"{place}/{kind.__name__}")
    assert answer.status_code == kind.status
    known = issubclass(kind, RateLimited)
    assert int(answer.headers["retry-after"]) == (SECONDS if known else RETRY_AFTER_SECONDS)
    assert "Wait a little." in answer.text


@pytest.mark.parametrize("way", ["connection", "pool", "library", "limiter"])
@pytest.mark.parametrize("place", ["/cut", "/api/v1/cut"])
def test_so_does_what_is_raised_below_us(busy: TestClient, place: str, way: str) -> None:
    answer = busy.get(f"{place}/{way}")
    assert answer.status_code == (429 if way == "limiter" else 503)
    assert int(answer.headers["retry-after"]) == RETRY_AFTER_SECONDS


@pytest.mark.parametrize("path", ["/privacy", "/nothing-here", "/api/v1/categories"])
def test_other_answers_say_nothing_of_it(busy: TestClient, path: str) -> None:
    assert "retry-after" not in busy.get(path).headers
