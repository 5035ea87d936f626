"""Whatever an operator's SQL writes into a category breaks no page. PostgreSQL refuses it."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from typer.testing import CliRunner

from imatch.categories import queries, service
from imatch.categories.catalog import definitions
from imatch.categories.schemas import CategoryDefinition
from imatch.cli import app
from imatch.core.database import SessionLocal, atomic


def active_names(db: Session) -> list[str]:
    return [row.name for row in queries.active_categories(db)]


def definition_of(db: Session, name: str) -> CategoryDefinition:
    return queries.by_name(db, name).definition


def write_over(column: str, value: object) -> None:
    """As an operator's own SQL would: SQLite takes anything in any column."""
    with SessionLocal() as db, atomic(db):
        edit_sql = f"UPDATE categories SET {column} = :value WHERE name = 'therapists'"  # noqa: S608 -- our own names
        db.execute(text(edit_sql), {"value": value})


def every_page_answers(client: TestClient) -> None:
    for path in ("/", "/find", "/providers", "/health", "/api/v1/categories/therapists"):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("column", ["matching_criteria", "intake_questions", "profile_fields"])
@pytest.mark.parametrize("value", ["not JSON", "", "[" * 100_000, b"\xff\xfe", 7])
def test_text_that_is_no_json_breaks_no_other_category(
    client: TestClient, column: str, value: object
) -> None:
    write_over(column, value)
    with SessionLocal() as db:
        assert active_names(db) == ["financial_advisors"]
        assert definition_of(db, "therapists") is definitions()["therapists"]
        assert list(queries.ignored_edits(db)) == ["therapists"]
        assert service.sync(db).kept == ["therapists"], "a sync does not write over it"
    every_page_answers(client)


@pytest.mark.parametrize("column", ["display_name", "icon", "description"])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"Therapists", "", "x" * 5_000])
def test_words_that_are_no_text_break_no_page(
    client: TestClient, column: str, value: object
) -> None:
    write_over(column, value)
    with SessionLocal() as db:
        assert service.activate(db, "therapists").definition is definitions()["therapists"]
        assert list(queries.ignored_edits(db)) == ["therapists"]
        assert service.sync(db).kept == ["therapists"]
    every_page_answers(client)
    shown = CliRunner().invoke(app, ["categories", "list", "--json"])
    assert {one["name"]: one["display_name"] for one in json.loads(shown.stdout)}[
        "therapists"
    ] == definitions()["therapists"].display_name


@pytest.mark.parametrize("column", ["created_at", "updated_at", "definition_hash"])
@pytest.mark.parametrize("value", ["yesterday", "", 7, 1e300, b"\xff", "2026-13-45 99:99:99"])
def test_columns_that_no_page_shows_break_none(
    client: TestClient, column: str, value: object
) -> None:
    write_over(column, value)
    with SessionLocal() as db:
        assert active_names(db) == ["financial_advisors"]
        service.sync(db)
        service.activate(db, "therapists")
        assert definition_of(db, "therapists").name == "therapists"
    every_page_answers(client)


@pytest.mark.parametrize("value", ["perhaps", "", "TRUE", 2, -1, 1e300, b"\x01", b""])
def test_a_category_is_open_only_where_its_row_says_so(client: TestClient, value: object) -> None:
    write_over("active", value)
    with SessionLocal() as db:
        assert active_names(db) == ["financial_advisors"]
        assert service.activate(db, "therapists").active
        assert active_names(db) == ["financial_advisors", "therapists"]
    every_page_answers(client)


@pytest.mark.parametrize("value", [b"\xff", b"therapists", "", "../x"])
def test_a_row_with_another_name_is_no_category(client: TestClient, value: object) -> None:
    write_over("name", value)
    with SessionLocal() as db:
        assert active_names(db) == ["financial_advisors"]
        with pytest.raises(queries.UnknownCategory):
            queries.by_name(db, "therapists")
        assert service.sync(db).added == ["therapists"]
    every_page_answers(client)
