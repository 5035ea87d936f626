"""`imatch pot …` as tests run it, with refusals as the errors that they are."""

import json
from typing import Any

from typer.testing import CliRunner

from imatch.cli import app
from imatch.core.logs import configure_logs


def run(*words: str) -> str:
    configure_logs(to_stderr=True)  # as the command itself does
    result = CliRunner().invoke(app, ["pot", *words], env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def run_json(*words: str) -> Any:  # noqa: ANN401 -- any document
    return json.loads(run(*words, "--json"))
