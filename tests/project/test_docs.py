"""The docs lead somewhere, name settings that exist, and speak of the project alone."""

import re
from pathlib import Path

import pytest

from imatch.core.settings import Settings
from tests.support.repository import ROOT, tracked_files

PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "node_modules"} & set(path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
SETTING = re.compile(r"IMATCH_([A-Z_]+[A-Z])")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_files(page: Path) -> None:
    broken = [
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_settings_that_are_named_exist(page: Path) -> None:
    named = {name.lower() for name in SETTING.findall(page.read_text(encoding="utf-8"))}
    assert named <= set(Settings.model_fields)


def test_all_four_kinds_of_docs_and_the_decisions_are_there() -> None:
    for kind in ("tutorial", "how-to", "reference", "explanation", "decisions"):
        assert list((ROOT / "docs" / kind).glob("*.md")), kind


def test_no_file_names_a_private_path() -> None:
    private = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/\w")
    found = [
        _name(path)
        for path in tracked_files()
        if path.suffix in {".py", ".md", ".toml", ".html", ".js", ".mjs", ".css", ".txt", ".json"}
        and private.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
