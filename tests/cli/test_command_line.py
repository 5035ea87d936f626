"""Shell completion and exit codes of all commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imatch.categories import catalog

# The installed script: completion depends on its name.
_COMMAND = Path(sys.executable).with_name("imatch")
_DEFINITION = catalog.DEFINITIONS / "financial_advisors.toml"
_TIMEOUT_SECONDS = 60


def _imatch(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [_COMMAND, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )


def _completed(words: list[str]) -> set[str]:
    """The completions of the last word, requested as bash's completion script does."""
    at = str(len(words) - 1)
    result = _imatch(_IMATCH_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=at)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("imatch ", {"serve", "worker", "migrate", "demo", "match", "categories", "users"}),
        ("imatch categories de", {"deactivate"}),
        ("imatch serve --wo", {"--workers"}),
        ("imatch match --category fin", {"financial_advisors"}),
        ("imatch match --kind b", {"basic"}),
    ],
)
def test_bash_completes(line: str, expected: set[str]) -> None:
    words = line.split(" ")
    completions = _completed(words)
    assert expected <= completions
    assert all(word.startswith(words[-1]) for word in completions)


def test_the_completion_script_calls_the_command() -> None:
    # The script is generated for the calling shell.
    bash = shutil.which("bash") or "bash"
    result = subprocess.run(
        [bash, "-c", f'"{_COMMAND}" --show-completion; exit $?'],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "complete -o default -F" in result.stdout
    assert "complete_bash" in result.stdout


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
    result = _imatch(*arguments, IMATCH_DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    assert result.returncode == code, result.stderr
    assert bool(result.stderr) == bool(code)
    assert "Traceback" not in result.stderr
