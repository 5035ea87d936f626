"""The page kit: a form with its errors, an act or the form again, and files no cache keeps."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.testclient import TestClient

from imatch.accounts.deps import NotSignedIn
from imatch.app import create_app
from imatch.core import database
from imatch.core.errors import Conflict, DomainError, FieldError, Gone, Invalid, NotFound
from imatch.web.forms import (
    act_or_show,
    at_field,
    go,
    private_csv,
    private_file,
    private_page,
    whole_number,
)

WRONG_NAME = Invalid("Look again.", fields=(FieldError("line", "Too long.", "name"),))
REFUSALS: dict[str, DomainError] = {
    "field": WRONG_NAME,
    "whole": Conflict("Somebody was faster."),
    "pointed": at_field(Conflict("This name is taken."), "name"),
    "missing": NotFound("There is no such name."),
    "gone": Gone("This name is no more."),
    "sign-in": NotSignedIn("Sign in first."),
}


def _name_page(request: Request, error: DomainError | None = None) -> Response:
    return private_page(request, "accounts/name.html", {"name": "as typed"}, error)


def _act(outcome: str) -> str:
    if outcome in REFUSALS:
        raise REFUSALS[outcome]
    return f"/kit/{outcome}"


def _routes() -> APIRouter:
    routes = APIRouter()

    @routes.get("/kit")
    def show(request: Request) -> Response:
        return _name_page(request)

    @routes.post("/kit/then-a-path/{outcome}")
    def then_a_path(request: Request, outcome: str) -> Response:
        return act_or_show(
            lambda: _act(outcome),
            show=lambda error: _name_page(request, error),
            then="/kit/saved",
        )

    @routes.post("/kit/then-an-answer/{outcome}")
    def then_an_answer(request: Request, outcome: str) -> Response:
        return act_or_show(
            lambda: _act(outcome), show=lambda error: _name_page(request, error), then=go
        )

    @routes.get("/kit.csv")
    def table() -> Response:
        return private_csv([("day", "pot"), ("2026-03-01", 7)], "days.csv")

    @routes.get("/kit.txt")
    def file() -> Response:
        return private_file(Response("words", media_type="text/plain"), "words.txt")

    return routes


@pytest.fixture
def kit(sqlite_url: str) -> Iterator[TestClient]:
    engine = database.bind(sqlite_url)
    app = create_app()
    app.include_router(_routes())
    with TestClient(app, base_url="http://127.0.0.1:8401", follow_redirects=False) as client:
        yield client
    engine.dispose()


def test_a_form_without_errors_shows_none(kit: TestClient) -> None:
    page = kit.get("/kit")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "There is a problem" not in page.text
    assert "aria-invalid" not in page.text


def test_an_error_stands_in_the_summary_and_at_its_control(kit: TestClient) -> None:
    page = kit.post("/kit/then-a-path/field")
    assert page.status_code == WRONG_NAME.status
    assert page.headers["cache-control"] == "no-store"
    assert 'href="#name"' in page.text
    assert page.text.count("Too long.") == 2
    assert 'aria-invalid="true"' in page.text
    assert 'value="as typed"' in page.text
    assert "Look again." not in page.text


def test_an_error_about_no_field_stands_in_the_summary_alone(kit: TestClient) -> None:
    page = kit.post("/kit/then-a-path/whole")
    assert page.status_code == Conflict.status
    assert page.text.count("Somebody was faster.") == 1
    assert "aria-invalid" not in page.text


def test_an_error_can_be_pointed_at_a_control(kit: TestClient) -> None:
    page = kit.post("/kit/then-a-path/pointed")
    assert page.status_code == Conflict.status
    assert 'href="#name"' in page.text
    assert page.text.count("This name is taken.") == 2


@pytest.mark.parametrize(("outcome", "status"), [("missing", 404), ("gone", 410)])
def test_what_is_not_there_has_no_form(kit: TestClient, outcome: str, status: int) -> None:
    page = kit.post(f"/kit/then-a-path/{outcome}")
    assert page.status_code == status
    assert REFUSALS[outcome].message in page.text
    assert "<form class" not in page.text.partition("<main")[2]


def test_who_has_to_sign_in_is_led_there(kit: TestClient) -> None:
    answer = kit.post("/kit/then-a-path/sign-in", headers={"referer": "/kit"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fkit")


@pytest.mark.parametrize(
    ("path", "target"),
    [("/kit/then-a-path/done", "/kit/saved"), ("/kit/then-an-answer/done", "/kit/done")],
)
def test_what_was_done_leads_on(kit: TestClient, path: str, target: str) -> None:
    answer = kit.post(path)
    assert (answer.status_code, answer.headers["location"]) == (303, target)


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/kit.csv", "text/csv; charset=utf-8", "day,pot\r\n2026-03-01,7\r\n"),
        ("/kit.txt", "text/plain; charset=utf-8", "words"),
    ],
)
def test_a_file_is_saved_and_kept_by_no_cache(
    kit: TestClient, path: str, kind: str, text: str
) -> None:
    answer = kit.get(path)
    name = {"/kit.csv": "days.csv", "/kit.txt": "words.txt"}[path]
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text == text


@pytest.mark.parametrize(
    ("written", "number"),
    [("7", 7), (" 1,000 ", 1_000), ("1 000", 1_000), ("", 0), ("-7", 0), ("7.5", 0), ("\u0667", 0)],
)
def test_numbers_as_people_write_them(written: str, number: int) -> None:
    assert whole_number(written) == number


def test_a_number_longer_than_any_is_none() -> None:
    assert whole_number("9" * 16) == 0
