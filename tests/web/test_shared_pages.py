"""Strangers share a page from memory; nobody gets another's, an old one or the wrong theme."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.categories import in_force
from imatch.categories import service as categories
from tests.factories import Make

SHARED = ("/", "/how-ranking-works", "/providers")
COACH = "areer coach"  # with either letter in front


@pytest.fixture
def statements(db: Session) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "FROM categories" in statement:  # the server warms up its index besides
            asked.append(statement)

    engine = db.get_bind().engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", [*SHARED, "/api/v1/categories"])
def test_a_stranger_asks_for_no_category_again(
    client: TestClient, statements: list[str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(in_force, "FOLLOW_EVERY_SECONDS", 600.0)  # however slow the machine is
    first = client.get(path)
    statements.clear()
    assert client.get(path).content == first.content
    assert statements == []


@pytest.mark.parametrize("path", SHARED)
def test_a_changed_category_shows_on_the_next_page(
    client: TestClient, db: Session, path: str
) -> None:
    assert COACH not in client.get(path).text
    categories.activate(db, "career_coaches")
    assert COACH in client.get(path).text
    categories.deactivate(db, "career_coaches")
    assert COACH not in client.get(path).text


@pytest.mark.parametrize("path", SHARED)
def test_who_is_signed_in_has_a_page_of_their_own(
    client: TestClient, make: Make, sign_in: Callable[[User], TestClient], path: str
) -> None:
    before = client.get(path).text
    assert "Ada Lovelace" in sign_in(make.user(name="Ada Lovelace")).get(path).text
    client.cookies.clear()
    assert client.get(path).text == before
    assert "Ada Lovelace" not in before


@pytest.mark.parametrize("path", SHARED)
def test_the_theme_is_each_ones_own(client: TestClient, path: str) -> None:
    plain = client.get(path).text
    for theme in ("imatch-dark", "imatch-light", "imatch-dark"):
        client.cookies.set("theme", theme)
        assert f'data-theme="{theme}"' in client.get(path).text
    client.cookies.clear()
    assert client.get(path).text == plain


def test_the_theme_switch_leads_back_to_the_query_that_one_came_with(client: TestClient) -> None:
    client.get("/")
    assert 'value="/?from=mail"' in client.get("/?from=mail").text
    assert 'value="/?from=mail"' not in client.get("/").text


def test_pages_do_not_share_their_request_id(client: TestClient) -> None:
    ids = {client.get("/").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
