"""Figures that decisions name are the code's: `20,000 pages (core/database.py: _PAGES_…)`."""

import importlib
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.repository import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
# A number, at most two words, and in code where it stands: module, then constant.
FIGURE = re.compile(r"(?<![\w.,-])([\d,]*\d) ((?:\w+ ?){0,2})\(`([\w/]+\.py): (\w+)`\)")
WHOLE_NUMBER = re.compile(r"(?<![\w.,#=-])\d[\d,]*(?![\w.,-]*\w)")
# What no constant of ours decides: a status of HTTP, what follows from another figure, what was
# measured, the part of a fraction.
FOREIGN = {"0001": {"200"}, "0008": {"80"}, "0009": {"12"}, "0012": {"40"}, "0013": {"1", "3"}}


def _words(decision: Path) -> str:
    return " ".join(decision.read_text(encoding="utf-8").partition("\n")[2].split())


def _figures(decision: Path) -> list[tuple[str, str, str, str]]:
    return FIGURE.findall(_words(decision))


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem[:4])
def test_figures_are_those_of_the_code(decision: Path) -> None:
    for number, unit, module, name in _figures(decision):
        dotted = module.removesuffix(".py").replace("/", ".")
        value = getattr(importlib.import_module(f"imatch.{dotted}"), name)
        stated = int(number.replace(",", ""))
        expected = timedelta(**{unit.strip(): stated}) if isinstance(value, timedelta) else stated
        assert value == expected, f"{module}: {name}"


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem[:4])
def test_figures_say_where_they_stand(decision: Path) -> None:
    named = {number for number, *_ in _figures(decision)}
    numbers = set(WHOLE_NUMBER.findall(_words(decision)))
    assert numbers - named == FOREIGN.get(decision.stem[:4], set())


def test_some_decisions_name_figures() -> None:
    assert sum(len(_figures(decision)) for decision in DECISIONS) >= 5
