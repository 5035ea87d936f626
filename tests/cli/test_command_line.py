"""What every command has in common: the shell completes it, and its exit code says how it went."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imatch.categories import catalog

_COMMAND = Path(sys.executable).with_name("imatch")  # as installed: completion goes by its name
_DEFINITION = catalog.DEFINITIONS / "financial_advisors.toml"
_SECONDS = 60


def _imatch(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_COMMAND, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _completed(words: list[str]) -> set[str]:
    """What bash is offered for the last word, asked as its completion script asks."""
    at = str(len(words) - 1)
    done = _imatch(_IMATCH_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=at)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("imatch ", {"serve", "worker", "migrate", "demo", "match", "categories", "users"}),
        ("imatch categories de", {"deactivate"}),
        ("imatch serve --wo", {"--workers"}),
        ("imatch match --category fin", {"financial_advisors"}),
        ("imatch match --kind b", {"basic"}),
    ],
)
def test_bash_completes(typed: str, offered: set[str]) -> None:
    words = typed.split(" ")
    found = _completed(words)
    assert offered <= found
    assert all(word.startswith(words[-1]) for word in found)


def test_the_completion_script_calls_the_command() -> None:
    # It is made for the shell that the command is called from.
    bash = shutil.which("bash") or "bash"
    done = subprocess.run(
        [bash, "-c", f'"{_COMMAND}" --show-completion; exit $?'],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "complete -o default -F" in done.stdout
    assert "complete_bash" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["categories", "validate", str(_DEFINITION), "--json"], 0),
        (["categories", "validate", "no-such-file.toml", "--json"], 1),
        (["categories", "list", "--json"], 1),  # the database has no tables
        (["no-such-command"], 2),
        (["serve", "--no-such-option"], 2),
        (["serve", "--port", "0"], 2),
        (["match", "--category", "financial_advisors"], 2),  # no need
    ],
)
def test_exit_codes(arguments: list[str], code: int, tmp_path: Path) -> None:
    done = _imatch(*arguments, IMATCH_DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    assert done.returncode == code, done.stderr
    assert bool(done.stderr) == bool(code)
    assert "Traceback" not in done.stderr
