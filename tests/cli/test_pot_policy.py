"""`imatch pot policy` and `imatch pot simulate`, as text and JSON."""

import csv
import io
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from imatch.approvals.service import SecondPersonNeeded
from imatch.core.errors import Invalid
from imatch.core.settings import get_settings
from imatch.pot.policy import service as policy
from imatch.pot.policy.versions import BadNumbers
from tests.cli.pot_command import run, run_json
from tests.factories import Make


def test_two_operators_change_a_number_from_the_command_line(db: Session, make: Make) -> None:
    policy.genesis(db)
    first, second = (operator.email for operator in make.operators())
    words = ("--set", "monthly_award_cap=50000", "--reason", "Less at first.", "--as", first)
    filed = run_json("policy", "propose", *words)
    assert filed["changes"] == {"monthly_award_cap": [100_000, 50_000]}
    assert [week["week"] for week in filed["projection"]] == [4, 13, 26, 52]
    version = str(filed["version"])
    with pytest.raises(SecondPersonNeeded):
        run("policy", "approve", version, "--as", first)
    run("policy", "approve", version, "--as", second)
    shown = run_json("policy", "show")
    assert shown["numbers"]["monthly_award_cap"] == 50_000
    assert [row["status"] for row in shown["versions"]] == ["approved", "approved"]


def test_bad_edits_are_refused(db: Session, make: Make) -> None:
    policy.genesis(db)
    operator = make.operator().email
    rest = ("--reason", "Why not.", "--as", operator)
    for edit in ("yearly_growth", "=1"):
        with pytest.raises(Invalid):
            run("policy", "propose", "--set", edit, *rest)
    for edit in ("yearly_growth=lots", "no_such_number=1", "yearly_growth=none"):
        with pytest.raises(BadNumbers):
            run("policy", "propose", "--set", edit, *rest)
    policy_now = run_json("policy", "show")
    assert len(policy_now["versions"]) == 1


def test_a_dry_run_writes_nothing_and_a_run_decides_once(db: Session) -> None:
    policy.genesis(db)
    dry = run_json("policy", "dry-run")
    assert policy.last_run(db) is None
    first, again = (run_json("policy", "run") for _ in range(2))
    assert first == again
    assert dry["award_budget"] == first["award_budget"] == 23_076
    assert "23,076" in run("policy", "run")


def test_a_simulation_for_people_and_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMATCH_CASH_REDEMPTION", "false")
    monkeypatch.setenv("IMATCH_LOG_LEVEL", "info")
    size = ("--months", "1", "--seekers", "6", "--providers", "3", "--attackers", "5")
    try:
        document = run_json("simulate", *size, "--svg", str(tmp_path))
        weeks = list(csv.DictReader(io.StringIO(run("simulate", *size, "--csv"))))
        drawn = run("simulate", *size, "--plot")
    finally:
        get_settings.cache_clear()
    assert all(check["holds"] for check in document["checks"])
    # The same seed gives the same figures.
    assert [int(week["people"]) for week in weeks] == [week["people"] for week in document["weeks"]]
    assert "Attackers' cash" in drawn
    assert {path.name for path in tmp_path.iterdir()} == {
        "supply.svg", "awards.svg", "reserve.svg", "attackers.svg"
    }  # fmt: skip
