"""`imatch pot`: balances, history, orders, and grants by two operators."""

import subprocess
import sys

import pytest
from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly, UserNotFound
from imatch.accounts.models import User
from imatch.core.errors import DomainError, Invalid
from imatch.ledger import POT
from imatch.ledger.queries import free
from imatch.pot.awards.grants import GrantDecided, NoSuchGrant, OwnGrant
from imatch.pot.errors import BadAmount, UnknownEarningCategory
from imatch.pot.rules import EARNINGS
from imatch.pot.service import POTService
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDINGS
from tests.cli.pot_command import run, run_json
from tests.factories import Make


@pytest.fixture
def rich(make: Make) -> User:
    return make.buyer(300, email="ana@example.org")


def test_a_balance_by_id_and_by_address(rich: User) -> None:
    document = run_json("balance", str(rich.id))
    assert (document["free"], document["held"], document["redeemable_now"]) == (300, 0, 0)
    assert document["not_redeemable_because"]
    assert run_json("balance", " ANA@example.org ") == document
    assert "300" in run("balance", "ana@example.org")


def test_history_is_newest_first_and_filtered(db: Session, rich: User) -> None:
    POTService(db).charge_premium_match(rich.id, 1)
    assert [row["amount"] for row in run_json("history", "ana@example.org")] == [-100, 300]
    assert [row["amount"] for row in run_json("history", str(rich.id), "--type", "earn")] == [300]
    assert run_json("history", str(rich.id), "--offset", "1", "--limit", "1")[0]["amount"] == 300
    assert "-100" in run("history", str(rich.id))


def test_an_order_is_idempotent_by_key(db: Session, rich: User) -> None:
    words = (
        "spend",
        "ana@example.org",
        "workshop",
        "--amount",
        "60",
        "--note",
        "In May",
        "--key",
        "k",
    )
    first = run_json(*words)
    assert (first["status"], first["amount"], first["free"]) == ("ordered", 60, 240)
    assert run_json(*words) == first
    assert "held until it is delivered; 180 are free" in run(*words[:-1], "other")
    assert free(db, POT, rich.id) == 180


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("workshop",), None),
        (("workshop", "--amount", "-60"), shop.WrongPrice),
        (("workshop", "--amount", "0"), shop.WrongPrice),
        (("workshop", "--amount", "1" + "0" * 30), shop.WrongPrice),
        (("workshop", "--amount", "301"), DomainError),
        (("workshop", "--amount", "60", "--note", "a\x07b"), Invalid),
        (("a-yacht",), shop.NotOffered),
        (("analytics_month",), shop.NotOffered),
        (("premium_match",), shop.BoughtElsewhere),
    ],
)
def test_a_refused_purchase_moves_nothing(
    db: Session, rich: User, words: tuple[str, ...], refusal: type[DomainError] | None
) -> None:
    if refusal is None:  # the lowest price of an open one
        assert run_json("spend", str(rich.id), *words)["amount"] == 50
        return
    with pytest.raises(refusal):
        run("spend", str(rich.id), *words)
    assert free(db, POT, rich.id) == 300


def test_a_grant_waits_for_a_second_operator(db: Session, make: Make, rich: User) -> None:
    first, second = (operator.email for operator in make.operators())
    words = ("grant", "ana@example.org", "40", "--reason", "Found a hole", "--as", first)
    assert "waits for a second operator" in run(*words)
    filed = run_json(*words, "--category", "bug_report")
    assert (filed["amount"], filed["status"], filed["category"]) == (40, "proposed", "bug_report")
    assert free(db, POT, rich.id) == 300
    assert len(run_json("grants", "list")) == 2
    assert "Found a hole" in run("grants", "list")
    number = str(filed["id"])
    with pytest.raises(OwnGrant):
        run("grants", "approve", number, "--as", first)
    with pytest.raises(OperatorsOnly):
        run("grants", "approve", number, "--as", "ana@example.org")
    assert run_json("grants", "approve", number, "--as", second)["status"] == "approved"
    with pytest.raises(GrantDecided):
        run("grants", "reject", number, "--as", second)
    (other,) = run_json("grants", "list")
    assert "rejected" in run("grants", "reject", str(other["id"]), "--as", second)
    with pytest.raises(NoSuchGrant):
        run("grants", "approve", "1" + "0" * 30, "--as", second)
    db.rollback()
    assert free(db, POT, rich.id) == 340


@pytest.mark.parametrize(
    ("pot", "more", "refusal"),
    [
        ("0", (), BadAmount),
        ("1" + "0" * 30, (), BadAmount),
        ("5", ("--reason", " "), Invalid),
        ("5", ("--category", "kindness"), UnknownEarningCategory),
        ("5", ("--as", "ana@example.org"), OperatorsOnly),
        ("5", ("--as", "nobody@example.org"), UserNotFound),
    ],
)
def test_bad_grants_are_refused(
    make: Make, rich: User, pot: str, more: tuple[str, ...], refusal: type[DomainError]
) -> None:
    operator = make.operator().email
    with pytest.raises(refusal):
        run("grant", str(rich.id), pot, "--reason", "Because", "--as", operator, *more)
    assert run_json("grants", "list") == []


def test_an_unknown_person_is_refused(rich: User) -> None:
    del rich
    for name in ("9999", "-1", "1.5", "9" * 40, "nobody@example.org", "no address", ""):
        with pytest.raises(UserNotFound):
            run("balance", "--", name)


def test_the_economy_and_its_rules(rich: User) -> None:
    del rich
    assert run_json("economy")["total_pot_in_circulation"] == 300
    assert "300" in run("economy")
    document = run_json("rules")
    assert [rule["name"] for rule in document["earnings"]] == [rule.name for rule in EARNINGS]
    assert [option["name"] for option in document["spendings"]] == [
        spending.name for spending in SPENDINGS
    ]
    assert "clean_record_10" in run("rules")


def test_a_refusal_is_one_line_and_exit_code_1(sqlite_url: str) -> None:
    command = [sys.executable, "-m", "imatch", "pot", "balance", "nobody@example.org"]
    result = subprocess.run(
        command,
        env={"IMATCH_DATABASE_URL": sqlite_url, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == "Error: User nobody@example.org not found\n"
    assert result.stdout == ""
