"""`imatch match`: ranking on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core import database
from imatch.matches.models import Match
from tests.factories import Make
from tests.factories.providers import ADVISORS
from tests.support.commands import Command

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(run_imatch: Command) -> Run:
    """Exit code, standard output and errors of `imatch match` with these arguments."""

    def ran(*arguments: str, category: str = ADVISORS) -> tuple[int, str, str]:
        return run_imatch("match", "--category", category, *arguments)

    return ran


@pytest.fixture
def three(make: Make) -> list[str]:
    return make.three_advisors()


def test_cards_for_people(run: Run, three: list[str]) -> None:
    code, json_output, _ = run("--need", "Retirement and tax", "--answer", "needs=retirement,tax")
    assert code == 0
    assert "Out of 3 financial advisors, 3 met every rule." in json_output
    assert all(name in json_output for name in three)
    assert json_output.count("Worth knowing.") == 3
    assert "\x1b[" not in json_output


def test_json_for_programs(run: Run, three: list[str], db: Session) -> None:
    code, json_output, _ = run(
        "--need",
        "Retirement and tax",
        "--budget-max",
        "1,000",
        "--location",
        "San Francisco, CA",
        "--format",
        "remote",
        "--json",
    )
    assert code == 0
    document = json.loads(json_output)
    assert document["category"] == ADVISORS
    assert document["passed"] == 3
    assert [match["position"] for match in document["matches"]] == [1, 2, 3]
    for match in document["matches"]:
        weights = sum(line["weight"] for line in match["criteria"])
        points = sum(line["weight"] * line["score"] for line in match["criteria"])
        assert abs(100 * points / weights - match["fit"]) <= 0.05 + 1e-9
    assert db.scalar(select(func.count()).select_from(Match)) == 0


def test_the_command_is_deterministic(run: Run, three: list[str]) -> None:
    assert run("--need", "Tax", "--json") == run("--need", "Tax", "--json")


def test_musts_exclude_providers(run: Run, make: Make) -> None:
    make.provider(profile={"compensation": "commission"})
    arguments = ("--need", "Tax", "--must", "fee_only_required")
    assert json.loads(run(*arguments, "--json")[1])["matches"] == []
    code, json_output, _ = run(*arguments)
    assert code == 0
    assert "Fee-only, no commissions on products: leaves out 1; without it, 1" in json_output


def test_kinds_counts_and_exceptions(run: Run, make: Make) -> None:
    for number in range(12):
        make.provider(slug=f"a{number}")

    def slugs(*arguments: str) -> list[str]:
        json_output = run("--need", "Tax", "--json", *arguments)[1]
        return [match["slug"] for match in json.loads(json_output)["matches"]]

    assert len(slugs()) == 3
    assert len(slugs("--kind", "premium")) == 10
    assert len(slugs("--count", "5")) == 5
    first = slugs()
    besides = [part for slug in first for part in ("--except", slug)]
    assert not set(first) & set(slugs("--kind", "re_match", *besides))
    assert len(slugs("--kind", "custom_criteria", "--criteria", "patient")) == 3


def test_an_empty_category_says_so(run: Run) -> None:
    code, json_output, _ = run("--need", "Tax")
    assert code == 0
    assert "Nobody in this category takes new people yet." in json_output


def test_an_unknown_category_lists_the_known(run: Run) -> None:
    code, _, error = run("--need", "Tax", category="astrologers")
    assert code == 1
    assert "There is no category “astrologers”" in error
    assert "financial_advisors, fitness_trainers" in error


def test_a_closed_category_says_so(run: Run) -> None:
    code, _, error = run("--need", "x", category="therapists")
    assert code == 1
    assert "not open yet" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget-max=-1"], "Enter a budget of $0 or more."),
        (["--budget-max", str(10**18)], "at most $1,000,000,000"),
        (["--budget-max", "lots"], "Enter a budget as a number"),
        (["--budget-max", "100", "--budget-unit", "moon"], "what a budget is for"),
        (["--location", "Atlantis"], "No place called “Atlantis”"),
        (["--location", "Springfield"], "can be several places"),
        (["--format", "telepathy"], "Choose one of the answers shown"),
        (["--answer", "needs"], "Write an answer as field=value"),
        (["--answer", "nonsense=1"], "There is no question “nonsense” here."),
        (["--answer", "needs=nonsense"], "Choose “Topics” from the answers shown."),
        (["--must", "needs"], "cannot be marked as a must"),
        (["--need", "   "], "Fill in “In your own words”."),
        (["--need", "a\x00b"], "hidden control character"),
        (["--need", "x" * 6_000], "Shorten"),
        (["--kind", "custom_criteria", "--criteria", "x" * 1_001], "Shorten"),
    ],
)
def test_invalid_options_are_refused_with_a_message(
    run: Run, three: list[str], arguments: list[str], message: str
) -> None:
    code, json_output, error = run("--need", "Tax", *arguments)
    assert code == 1
    assert message in error
    assert json_output == ""


@pytest.mark.parametrize("arguments", [["--kind", "free"], ["--count", "0"], ["--bogus"]])
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    assert run("--need", "Tax", *arguments)[0] == 2


def test_a_database_without_tables_is_named(run: Run, tmp_path: Path) -> None:
    empty = database.bind(f"sqlite:///{tmp_path / 'empty.db'}")
    code, _, error = run("--need", "Tax")
    assert code == 1
    assert "Call `imatch migrate` first." in error
    empty.dispose()
