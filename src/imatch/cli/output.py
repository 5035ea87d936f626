"""Output of commands: tables for people, JSON for programs, one line for an error."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from imatch.core.settings import get_settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
JsonLinesOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line, log lines too.")
]

out = Console()
err = Console(stderr=True)


def print_json(document: object) -> None:
    """Print one JSON document to standard output, with ISO dates."""
    typer.echo(json.dumps(document, default=_iso, ensure_ascii=False, indent=2))


def log_json_lines() -> None:
    """Log in JSON, in this process and in its child processes."""
    os.environ["IMATCH_LOG_JSON"] = "true"
    get_settings.cache_clear()


def print_event(event: str, **facts: object) -> None:
    """Print an event as one line of JSON in the format of the log."""
    typer.echo(json.dumps({"event": event, **facts}, default=_iso, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)


def print_facts(title: str, facts: Mapping[str, object]) -> None:
    """Print a list of names and values."""
    print_table(title, ("", ""), facts.items())


def _iso(value: Any) -> str:  # noqa: ANN401 -- json's signature
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
