"""The `imatch` command: one module a noun. Exit codes: 0 done, 1 refused, 2 wrong usage."""

import sys

import typer
from rich.markup import escape

from imatch.cli import categories, database, demo, match, providers, serve, users, worker
from imatch.cli.output import err
from imatch.core.errors import DomainError
from imatch.core.logs import configure_logs

app = typer.Typer(
    name="imatch",
    help="Run a marketplace that matches people with professionals, and shows why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("migrate")(database.migrate)
app.command("demo")(demo.demo)
app.command("match")(match.match)
app.add_typer(categories.app, name="categories")
app.add_typer(providers.app, name="providers")
app.add_typer(users.app, name="users")


def main() -> None:
    """Run the command; a refusal is one clear line and exit code 1."""
    configure_logs(to_stderr=True)
    try:
        app()
    except DomainError as error:
        err.print(f"[bold red]Error:[/] {escape(error.message)}", highlight=False)
        for fault in error.fields:
            err.print(f"  {fault.field}: {fault.message}", markup=False, highlight=False)
        sys.exit(1)
