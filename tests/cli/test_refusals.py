"""Invalid settings and databases: a clear message, exit code 1, no traceback, no secrets."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "abc"), ("port", "99999999"), ("environment", "prod"), ("session_days", "0")],
)
def test_an_invalid_setting_is_named(refused: Refused, name: str, value: str) -> None:
    assert f"IMATCH_{name.upper()}: " in refused("users", "list", **{name: value})


def test_missing_production_settings_are_named_without_values(refused: Refused) -> None:
    error_output = refused("users", "list", environment="production", smtp_password="hunter2")
    assert "IMATCH_SECRET_KEY" in error_output
    assert "hunter2" not in error_output


@pytest.mark.parametrize("url", ["nonsense", "", "mysql://who:hunter2@there/that", "oops://x"])
def test_an_invalid_database_url_is_refused(refused: Refused, url: str) -> None:
    error_output = refused("users", "list", database_url=url)
    assert "IMATCH_DATABASE_URL" in error_output
    assert "hunter2" not in error_output


def test_an_unreachable_server_is_reported_without_its_password(refused: Refused) -> None:
    error_output = refused("migrate", database_url="postgresql://who:hunter2@127.0.0.1:1/that")
    assert "cannot be used" in error_output
    assert "hunter2" not in error_output


def test_a_file_that_is_no_database_is_unchanged(refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear all, " * 100, encoding="utf-8")
    assert "not a database" in refused("migrate", database_url=f"sqlite:///{path}")
    assert path.read_text(encoding="utf-8") == "Dear all, " * 100


@pytest.mark.parametrize("command", [("users", "list"), ("categories", "list"), ("demo",)])
def test_an_empty_database_must_be_migrated_first(
    refused: Refused, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert "imatch migrate" in refused(*command, database_url=f"sqlite:///{tmp_path}/empty.db")


def test_a_database_of_a_later_release_is_refused(refused: Refused, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "later.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0099')")
    error_output = refused("migrate", database_url=f"sqlite:///{tmp_path}/later.db")
    assert "later release" in error_output
    with sqlite3.connect(tmp_path / "later.db") as connection:
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert names == [("alembic_version",)]
