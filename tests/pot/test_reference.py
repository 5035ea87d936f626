"""What docs/reference/pot.md says of POT is so: its code runs, its tables are the rules."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.app import create_app
from imatch.facts.waiting import UNANNOUNCED
from imatch.pot.rules import EARNINGS, Earning
from imatch.pot.shop.catalog import SPENDINGS, Spending
from imatch.web import formats
from tests.factories import Make
from tests.support.repository import ROOT

PAGE = (ROOT / "docs" / "reference" / "pot.md").read_text(encoding="utf-8")
_WINDOWS = {"ever": "ever", "year": "a year", "quarter": "a quarter", "month": "a month"}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def _rows(heading: str) -> dict[str, list[str]]:
    """The first column of a section's table, without its marks -> the other columns."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE)
    return {name: rest.split(" | ") for name, rest in rows}


def _cap(rule: Earning) -> str:
    if rule.cap is None:
        return "–"
    if (rule.cap.times, rule.cap.window) == (1, "ever"):
        return "once"
    times = f"{rule.cap.times} {_WINDOWS[rule.cap.window]}"
    return f"{times} with each person" if rule.cap.within else times


def _price(option: Spending) -> str:
    return f"{option.pot:,} to {option.most:,}" if option.most else f"{option.pot:,}"


def test_every_earning_rule_stands_in_its_table() -> None:
    assert _rows("Earning") == {
        rule.name: [
            rule.shown or str(rule.pot),
            rule.how,
            _cap(rule),
            str(rule.award_class),
            "yes" if rule.offered else "not yet",
        ]
        for rule in EARNINGS
    }


def test_every_spending_option_stands_in_its_table() -> None:
    assert _rows("Spending") == {
        option.name: [
            _price(option),
            option.effect,
            str(option.delivery),
            str(option.days or "–"),
            formats.money(option.cash_price) if option.cash_price else "–",
            "yes" if option.offered else "not yet",
        ]
        for option in SPENDINGS
    }


def test_a_rule_is_open_once_something_announces_its_fact() -> None:
    """Invented histories do not count: they announce what people cannot do yet."""
    folder = ROOT / "src" / "imatch"
    invented = (folder / "operations", folder / "pot" / "simulation")
    announced: set[str] = set()
    for path in folder.rglob("*.py"):
        if not any(place in path.parents for place in invented):
            source = path.read_text(encoding="utf-8")
            announced.update(re.findall(r"announce\(\s*db,\s*([A-Z]\w+)\(", source))
    facts = {rule.fact for rule in EARNINGS}
    assert {fact.__name__ for fact in facts - UNANNOUNCED.keys()} == {
        fact.__name__ for fact in facts if fact.__name__ in announced
    }


def test_the_examples_run(db: Session, make: Make) -> None:
    del db
    make.user(account_type="provider")
    for example in _blocks("python"):
        exec(example, {})  # noqa: S102 -- our own page


def test_every_error_has_its_text(db: Session, make: Make) -> None:
    person = make.user().id
    pot = POTService(db)
    refused = (
        lambda: pot.get_user_balance(9),
        lambda: pot.award_pot(person, "x"),
        lambda: pot.spend_pot(person, "x"),
        lambda: pot.award_pot(person, "provider_content"),
        lambda: pot.charge_premium_match(person, 1),
    )
    said = []
    for call in refused:
        with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- its text is what we want
            call()
        said.append(str(refusal.value))
    table = PAGE.split("Every error is")[1].split("\n## ")[0]
    assert said == re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_every_address_of_the_api_is_listed() -> None:
    paths = {
        f"{method.upper()} {path}"
        for path, methods in create_app().openapi()["paths"].items()
        for method in methods
        if "/pot/" in path
    }
    assert paths == set(_rows("Over HTTP")) | {"GET /pot/economy"}


@pytest.mark.both_databases
def test_the_queries_find_what_is_there(db: Session, make: Make) -> None:
    person = make.user(email="ana@example.org")
    pot = POTService(db)
    for category in ("bug_report", "bug_report", "match_feedback"):
        pot.award_pot(person.id, category)
    pot.charge_premium_match(person.id, 1)
    stats, newest, most, latest, earned, spent, wrong = (
        db.execute(text(query.replace("= 1", f"= {person.id}"))).mappings().all()
        for query in _blocks("sql")
    )
    shown = pot.get_economy_stats()
    assert {name: shown[name] for name in stats[0]} == dict(stats[0])
    assert [row["amount"] for row in newest] == [-100, 5, 100, 100]
    assert [list(row.values()) for row in most] == [["ana@example.org", 105, 0]]
    assert [row["amount"] for row in latest] == [-100, 5, 100, 100]
    assert [list(row.values()) for row in earned] == [
        ["bug_report", 2, 200],
        ["match_feedback", 1, 5],
    ]
    assert [list(row.values()) for row in spent] == [["premium_match", 1, 100]]
    assert wrong == []
