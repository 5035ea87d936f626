"""`imatch categories`: list, show, activate, deactivate and validate."""

import json
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from imatch.categories import queries
from imatch.categories.catalog import DEFINITIONS, definitions
from imatch.core.database import atomic
from tests.factories import Make
from tests.support.commands import Command, json_output


@pytest.fixture
def command(db: Session, run_imatch: Command) -> Command:
    assert queries.all_categories(db)
    db.rollback()
    return partial(run_imatch, "categories")


def test_list(command: Command) -> None:
    code, out, _ = command("list")
    assert code == 0
    assert all(name in out for name in definitions())
    rows = json_output(command, "list")
    assert [row["name"] for row in rows if row["active"]] == ["financial_advisors"]


def test_show(command: Command) -> None:
    code, out, _ = command("show", "therapists")
    assert code == 0
    assert "Licensed in the state where you will be" in out
    document = json_output(command, "show", "therapists")
    assert document["definition"]["criteria"]["modality_fit"]["weight"] == 20


def test_activate_and_deactivate(command: Command, db: Session) -> None:
    code, out, _ = command("activate", "career_coaches")
    assert (code, out.strip()) == (0, "“Career coaches” is open.")
    assert queries.by_name(db, "career_coaches").active
    db.rollback()
    assert json_output(command, "deactivate", "career_coaches")["active"] is False
    db.expire_all()
    assert not queries.by_name(db, "career_coaches").active


@pytest.mark.parametrize("verb", ["show", "activate", "deactivate"])
def test_an_unknown_name_is_refused(command: Command, verb: str) -> None:
    code, out, error = command(verb, "plumbers")
    assert (code, out, error) == (1, "", "Error: There is no category “plumbers”.")


def test_an_unknown_name_is_quoted_verbatim(command: Command) -> None:
    assert command("show", "[/]")[2] == "Error: There is no category “[/]”."


def test_a_missing_name_is_wrong_usage(command: Command) -> None:
    assert command("activate")[0] == 2
    assert command("open", "therapists")[0] == 2


def test_the_shipped_definitions_are_valid(command: Command) -> None:
    assert json_output(command, "validate") == {"valid": True, "faults": []}
    code, out, _ = command("validate", str(DEFINITIONS / "therapists.toml"))
    assert (code, out.strip()) == (0, "Valid.")


def test_an_invalid_file_is_named_with_key_and_error(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "therapists.toml"
    shipped = (DEFINITIONS / "therapists.toml").read_text(encoding="utf-8")
    path.write_text(shipped.replace("weight = 35", "weight = 36"), encoding="utf-8")
    code, out, error = command("validate", str(path))
    assert (code, out) == (1, "")
    assert error == "Error: therapists.toml: criteria weights sum to 101, not 100"
    code, out, _ = command("validate", str(path), "--json")
    assert code == 1
    assert json.loads(out)["faults"] == [error.removeprefix("Error: ")]


def test_an_invalid_edit_in_the_database_is_named(
    command: Command, db: Session, make: Make
) -> None:
    with atomic(db):
        make.category("therapists").matching_criteria = {}
    code, _, error = command("validate")
    assert code == 1
    assert "the row of therapists:" in error
    assert "criteria weights sum to 0, not 100" in error
