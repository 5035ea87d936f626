"""Programs and the command line answer what pages ask for: required fields and safety screens."""

import json
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.categories.catalog import definitions
from imatch.needs.models import Need
from tests.factories import Make
from tests.support.commands import Command

NEEDS = "/api/v1/needs"
THERAPY: dict[str, Any] = {
    "needs_description": "Sleepless since the spring.",
    "place": {"country": "US", "region": "CA"},
    "age_group": next(iter(definitions()["therapists"].vocabularies["age_groups"])),
    "session_type": next(iter(definitions()["therapists"].vocabularies["session_types"])),
    "safety": False,
}
RESOURCES = ("988 Suicide and Crisis Lifeline", "116 123")


@pytest.fixture
def match(run_imatch: Command, make: Make) -> Command:
    """Exit code, standard output and errors of `imatch match --category therapists`."""
    make.category("therapists")
    return partial(run_imatch, "match", "--category", "therapists")


@pytest.mark.parametrize(
    ("category", "missing"),
    [
        (name, sorted(field for field, asked in definition.seeker.items() if asked.required))
        for name, definition in definitions().items()
    ],
)
def test_the_api_demands_every_required_answer(
    client: TestClient, make: Make, db: Session, category: str, missing: list[str]
) -> None:
    make.category(category)
    answer = client.post(NEEDS, json={"category": category, "values": {}})
    assert answer.status_code == 422
    assert sorted(error["field"] for error in answer.json()["errors"]) == missing
    assert db.scalars(select(Need)).all() == []


def test_a_whole_need_is_accepted(client: TestClient, make: Make) -> None:
    make.category("therapists")
    answer = client.post(NEEDS, json={"category": "therapists", "values": THERAPY})
    assert answer.status_code == 201


@pytest.mark.parametrize("values", [{**THERAPY, "safety": True}, {"safety": True}])
def test_danger_is_answered_with_who_helps(
    client: TestClient, make: Make, db: Session, values: dict[str, Any]
) -> None:
    make.category("therapists")
    answer = client.post(NEEDS, json={"category": "therapists", "values": values})
    assert answer.status_code == 409
    assert answer.json()["code"] == "safety_screen"
    assert all(words in answer.json()["detail"] for words in RESOURCES)
    assert db.scalars(select(Need)).all() == []


def test_the_command_demands_them_too(match: Command) -> None:
    code, json_output, error = match("--need", "Sleepless since the spring.", "--json")
    assert code == 1
    assert json_output == ""
    definition = definitions()["therapists"]
    for name in ("place", "age_group", "session_type", "safety"):
        assert definition.seeker[name].label in error, name


def test_the_command_ranks_nobody_in_danger(match: Command) -> None:
    code, json_output, error = match("--need", "Sleepless.", "--answer", "safety=yes")
    assert code == 1
    assert json_output == ""
    assert all(words in error for words in RESOURCES)


def test_the_command_ranks_for_a_whole_need(match: Command) -> None:
    answers = [f"{name}={THERAPY[name]}" for name in ("age_group", "session_type")]
    code, json_output, error = match(
        *("--need", "Sleepless.", "--location", "San Francisco, CA", "--answer", "safety=no"),
        *(part for text in answers for part in ("--answer", text)),
        "--json",
    )
    assert (code, error) == (0, "")
    assert json.loads(json_output)["considered"] == 0
