"""Commands as somebody runs them, in this process: with settings, and without a test's database."""

import sys
from collections.abc import Callable, Iterator

import pytest

from imatch.cli import main
from imatch.core import database
from imatch.core.settings import get_settings
from tests.cli.running import RunWith


@pytest.fixture
def imatch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[RunWith]:
    """`imatch("users", "list", port="abc")`: exit code, output and errors under IMATCH_PORT=abc."""

    def run(*arguments: str, **settings: str) -> tuple[int, str, str]:
        for name, value in settings.items():
            monkeypatch.setenv(f"IMATCH_{name.upper()}", value)
        get_settings.cache_clear()
        monkeypatch.setattr(database, "_bound_url", None)
        monkeypatch.setattr(sys, "argv", ["imatch", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    yield run
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def refused(imatch: RunWith) -> Callable[..., str]:
    """What `imatch` says to standard error, in one line, when it refuses."""

    def refusal(*arguments: str, **settings: str) -> str:
        code, _out, errors = imatch(*arguments, **settings)
        assert code == 1
        assert "Traceback" not in errors
        return " ".join(errors.split())

    return refusal
