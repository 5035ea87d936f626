"""Run the `imatch` command inside the test process."""

import json
from typing import Any, Protocol


class Command(Protocol):
    def __call__(self, *arguments: str) -> tuple[int, str, str]: ...


def json_output(command: Command, *arguments: str) -> Any:  # noqa: ANN401 -- JSON
    code, out, _ = command(*arguments, "--json")
    assert code == 0
    return json.loads(out)
