"""The pages about categories say what the code does."""

from pathlib import Path

import pytest

from imatch.categories.catalog import definitions, load
from imatch.categories.schemas import (
    CategoryDefinition,
    FeeModel,
    FieldDefinition,
    GateRule,
    GateWhen,
    Importance,
    Kind,
    ScreenEffect,
)
from imatch.cli import categories as command
from tests.support.repository import ROOT

DOCS = ROOT / "docs"
REFERENCE = (DOCS / "reference" / "categories.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "add-a-category.md").read_text(encoding="utf-8")


def row(category: CategoryDefinition) -> str:
    legal = ", ".join(gate.label for gate in category.gates if not gate.relaxable)
    cells = (
        f"`{category.name}`",
        category.display_name,
        category.fees.model,
        "yes" if category.sensitive else "no",
        len(category.intake),
        len(category.options(category.provider["specialties"])),
        legal or "none",
    )
    return f"| {' | '.join(map(str, cells))} |"


@pytest.mark.parametrize("name", definitions())
def test_every_category_is_listed_as_it_is(name: str) -> None:
    assert row(definitions()[name]) in REFERENCE


@pytest.mark.parametrize(
    "word",
    [
        *CategoryDefinition.model_fields,
        *FieldDefinition.model_fields,
        *Kind,
        *GateRule,
        *GateWhen,
        *FeeModel,
        *ScreenEffect,
        *Importance,
        *(f"imatch categories {verb.callback.__name__}" for verb in command.app.registered_commands
          if verb.callback and not verb.name),
    ],
)  # fmt: skip
def test_every_word_is_explained(word: str) -> None:
    assert f"`{word}" in REFERENCE


def test_the_example_of_the_how_to_is_a_category(tmp_path: Path) -> None:
    example = HOW_TO.split("```toml\n")[1].split("```")[0]
    path = tmp_path / "gardeners.toml"
    path.write_text(example, encoding="utf-8")
    gardeners = load(path)
    assert sum(criterion.weight for criterion in gardeners.criteria.values()) == 100
    assert gardeners.seeker["approaches"].vocabulary == "approaches"
