"""`imatch providers`: list, show, approve, reject and pause."""

from functools import partial

import pytest
from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.providers.models import Provider, ProviderStatus
from tests.factories import Make
from tests.support.commands import Command, json_output


@pytest.fixture
def command(run_imatch: Command) -> Command:
    return partial(run_imatch, "providers")


def _fresh(db: Session, provider: Provider) -> Provider:
    with atomic(db):
        db.refresh(provider)
    return provider


def test_list_filters(command: Command, make: Make) -> None:
    make.provider(slug="ada")
    make.provider(slug="bea", status=ProviderStatus.PENDING)
    assert [row["slug"] for row in json_output(command, "list")] == ["bea", "ada"]
    pending = json_output(command, "list", "--status", "pending")
    assert [row["slug"] for row in pending] == ["bea"]
    assert json_output(command, "list", "--category", "therapists") == []
    assert "ada" in command("list")[1]


def test_show_lists_missing_fields(command: Command, make: Make) -> None:
    provider = make.provider(slug="ada", profile={"legal_name": "Ada Q. Private"})
    document = json_output(command, "show", "ada")
    assert (document["id"], document["required_gaps"]) == (provider.id, [])
    assert document["values"]["legal_name"] == "Ada Q. Private"
    assert "Ada Q. Private" in command("show", "ada")[1]


def test_approve_reject_and_pause(command: Command, make: Make, db: Session) -> None:
    provider = make.provider(slug="ada", status=ProviderStatus.PENDING)
    assert json_output(command, "approve", "ada")["status"] == "approved"
    code, _, errors = command("approve", "ada")
    assert (code, "nothing to decide" in errors) == (1, True)
    assert json_output(command, "pause", "ada")["accepting_new"] is False
    assert not _fresh(db, provider).accepting_new
    code, out, errors = command("reject", "ada", "--reason", "The licence has lapsed.")
    assert (code, out) == (0, "ada: rejected, takes nobody new.\n")
    assert "operator_act" in errors
    assert _fresh(db, provider).decision_reason == "The licence has lapsed."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "nobody"), 1),
        (("approve", "nobody"), 1),
        (("reject", "ada", "--reason", " "), 1),
        (("reject", "ada"), 2),
        (("list", "--status", "odd"), 2),
    ],
)
def test_refusals_change_nothing(
    command: Command, make: Make, db: Session, arguments: tuple[str, ...], code: int
) -> None:
    provider = make.provider(slug="ada")
    exit_code, out, errors = command(*arguments)
    assert (exit_code, out) == (code, "")
    assert errors
    assert _fresh(db, provider).status == ProviderStatus.APPROVED
