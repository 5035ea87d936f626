"""Shell completion and exit codes of all commands."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imatch.categories import catalog
from tests.cli.running import RunWith

_DEFINITION = catalog.DEFINITIONS / "financial_advisors.toml"
_TIMEOUT_SECONDS = 60


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
def test_bash_completes(
    imatch: RunWith, monkeypatch: pytest.MonkeyPatch, line: str, expected: set[str]
) -> None:
    """Asked as bash's completion script asks."""
    words = line.split(" ")
    monkeypatch.setenv("_IMATCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    code, printed, errors = imatch()
    assert code == 0, errors
    assert expected <= set(printed.split())
    assert all(word.startswith(words[-1]) for word in printed.split())


def test_the_completion_script_calls_the_command() -> None:
    # It is made for the shell that the command is called from, and goes by the command's name.
    command = Path(sys.executable).with_name("imatch")
    bash = shutil.which("bash") or "bash"
    result = subprocess.run(
        [bash, "-c", f'"{command}" --show-completion; exit $?'],
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
def test_exit_codes(imatch: RunWith, arguments: list[str], code: int, tmp_path: Path) -> None:
    done, _printed, errors = imatch(*arguments, database_url=f"sqlite:///{tmp_path}/empty.db")
    assert done == code, errors
    assert bool(errors) == bool(code)
    assert "Traceback" not in errors
