"""Errors are clear to whoever gets them, and tell no secrets."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from imatch.app import create_app
from imatch.core.errors import Conflict, FieldError, Invalid, RateLimited


class TooLate(Conflict):
    code = "too_late"


def _broken_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/api/v1/late")
    @router.get("/late")
    def late() -> None:
        raise TooLate("Somebody was faster.")

    @router.get("/api/v1/slow-down")
    def slow_down() -> None:
        raise RateLimited("Wait a minute.", retry_after_seconds=60)

    @router.get("/api/v1/wrong")
    def wrong() -> None:
        raise Invalid("Look again.", fields=(FieldError("budget", "Enter $0 or more."),))

    @router.get("/api/v1/cut")
    def cut() -> None:
        raise OperationalError("SELECT 1", {}, Exception("the server is gone"))

    @router.get("/api/v1/bug")
    @router.get("/bug")
    def bug() -> None:
        raise ZeroDivisionError("the password is swordfish")

    return router


@pytest.fixture
def broken(database_url: str) -> Iterator[TestClient]:
    app = create_app()
    app.include_router(_broken_routes())
    with TestClient(app, base_url="http://127.0.0.1:8401") as client:
        yield client


def test_programs_get_problem_json(broken: TestClient) -> None:
    response = broken.get("/api/v1/late")
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "too_late"
    assert problem["detail"] == "Somebody was faster."
    assert problem["request_id"] == response.headers["x-request-id"]


def test_people_get_a_page(broken: TestClient) -> None:
    response = broken.get("/late")
    assert response.status_code == 409
    assert "Somebody was faster." in response.text
    assert response.headers["content-type"].startswith("text/html")


def test_when_to_try_again_is_said(broken: TestClient) -> None:
    response = broken.get("/api/v1/slow-down")
    assert (response.status_code, response.headers["retry-after"]) == (429, "60")


def test_a_database_that_is_away_is_no_bug(broken: TestClient) -> None:
    response = broken.get("/api/v1/cut")
    assert (response.status_code, response.headers["retry-after"]) == (503, "10")
    assert response.json()["code"] == "database_unavailable"
    assert "gone" not in response.text


def test_each_wrong_field_is_named(broken: TestClient) -> None:
    problem = broken.get("/api/v1/wrong").json()
    assert problem["errors"] == [{"field": "budget", "message": "Enter $0 or more."}]


@pytest.mark.parametrize("path", ["/bug", "/api/v1/bug"])
def test_a_bug_shows_a_request_id_and_no_details(broken: TestClient, path: str) -> None:
    response = broken.get(path)
    assert response.status_code == 500
    assert "swordfish" not in response.text
    assert "ZeroDivision" not in response.text
    assert response.headers["x-request-id"] in response.text


def test_an_unknown_address_is_a_page_or_a_problem(client: TestClient) -> None:
    assert client.get("/nothing-here").status_code == 404
    assert client.get("/api/v1/nothing-here").json()["code"] == "not_found"
