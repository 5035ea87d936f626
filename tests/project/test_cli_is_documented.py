"""The reference names every command with its options, and none that is gone."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer

from imatch.cli import app
from tests.support.repository import ROOT

REFERENCE = ROOT / "docs" / "reference" / "cli.md"
_HEADING = re.compile(r"^### `(imatch [^`]+)`$")
_COMMON = {"--json", "--help"}  # said once for all commands


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- typer's own
    """Every command that does something, by its full name."""
    inside = getattr(command, "commands", None)
    if inside is None:
        yield name, command
        return
    for noun, sub in inside.items():
        yield from _commands(sub, f"{name} {noun}")


def _row(parameter: Any) -> str:  # noqa: ANN401 -- typer's own
    """The line that a parameter has in the page's table."""
    is_argument = parameter.param_type_name == "argument"
    written = parameter.name.upper() if is_argument else parameter.opts[0]
    default = "required" if parameter.required else ""
    if not parameter.required and parameter.default not in (None, "", False, []):
        default = f"`{getattr(parameter.default, 'value', parameter.default)}`"
    kind = parameter.type_descriptor.annotation
    choices = kind if isinstance(kind, type) and issubclass(kind, Enum) else ()
    listed = ", ".join(f"`{choice.value}`" for choice in choices)
    meaning = f"{parameter.help} One of {listed}." if listed else parameter.help
    return f"| `{written}` | {default or '–'} | {meaning} |"


def _real() -> dict[str, list[str]]:
    return {
        f"### `{name}`": [_row(p) for p in command.params if p.opts[0] not in _COMMON]
        for name, command in _commands(typer.main.get_command(app), "imatch")
    }


def _documented() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if _HEADING.match(line):
            rows = sections.setdefault(line, [])
        elif line.startswith("#"):
            rows = []
        elif line.startswith("| `"):
            rows.append(line)
    return sections


def _lines(sections: dict[str, list[str]], without: dict[str, list[str]]) -> list[str]:
    """Headings and rows that only the first knows, below the heading that they belong to."""
    found = []
    for heading, rows in sections.items():
        only_here = [row for row in rows if row not in without.get(heading, [])]
        if only_here or heading not in without:
            found += [heading, *only_here]
    return found


def test_the_reference_and_the_commands_agree() -> None:
    real, documented = _real(), _documented()
    missing, gone = _lines(real, documented), _lines(documented, real)
    assert not missing, "write into docs/reference/cli.md:\n" + "\n".join(missing)
    assert not gone, "take out of docs/reference/cli.md:\n" + "\n".join(gone)


def test_every_command_prints_json() -> None:
    commands = _commands(typer.main.get_command(app), "imatch")
    without = [
        name for name, command in commands if "--json" not in {p.opts[0] for p in command.params}
    ]
    assert without == []


def test_who_acts_is_said_by_one_option_everywhere() -> None:
    acting = [
        (name, parameter.opts, parameter.secondary_opts, parameter.help)
        for name, command in _commands(typer.main.get_command(app), "imatch")
        for parameter in command.params
        if {"--as", "--operator"} & set(parameter.opts) or parameter.name == "operator"
    ]
    assert len(acting) == 8
    assert {(*opts, *others) for _name, opts, others, _help in acting} == {("--as",)}
    (told,) = {text for *_rest, text in acting}
    assert "not proven" in told
