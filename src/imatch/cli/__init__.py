"""The `imatch` command, one module a noun. Exit codes: 0 success, 1 error, 2 wrong usage."""

import sys

import typer
from pydantic import ValidationError
from rich.markup import escape
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, SQLAlchemyError

from imatch.cli import (
    categories,
    database,
    demo,
    ledger,
    match,
    pot,
    providers,
    serve,
    users,
    worker,
)
from imatch.cli.output import err
from imatch.core.database import engine
from imatch.core.errors import Conflict, DomainError, Invalid
from imatch.core.logs import configure_logs
from imatch.core.settings import Settings
from imatch.operations.setup import require_migrated

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
app.add_typer(ledger.app, name="ledger")
app.add_typer(pot.app, name="pot")
app.add_typer(providers.app, name="providers")
app.add_typer(users.app, name="users")


class BadSettings(Invalid):
    code = "bad_settings"


class DatabaseUnusable(Conflict):
    code = "database_unusable"


def main() -> None:
    """Run the command. A DomainError is printed in one line and exits with code 1."""
    try:
        _run()
    except DomainError as error:
        err.print(f"[bold red]Error:[/] {escape(error.message)}", highlight=False)
        for field_error in error.fields:
            err.print(
                f"  {field_error.field}: {field_error.message}", markup=False, highlight=False
            )
        sys.exit(1)


def _run() -> None:
    """Run the command; turn invalid settings and an unusable database into DomainErrors."""
    try:
        configure_logs(to_stderr=True)
        app()
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        # Without the traceback, which contains the values of settings, such as passwords.
        raise BadSettings(_describe_settings_errors(error)) from None
    except (SQLAlchemyError, ImportError) as error:
        _refuse_database(error)
        raise


def _describe_settings_errors(error: ValidationError) -> str:
    messages = []
    for field_error in error.errors(include_url=False, include_input=False):
        variable = f"IMATCH_{field_error['loc'][0]}: ".upper() if field_error["loc"] else ""
        messages.append(variable + field_error["msg"].removeprefix("Value error, "))
    return "; ".join(messages)


def _refuse_database(error: Exception) -> None:
    """Raise NotMigrated or DatabaseUnusable if the database caused the error, else return."""
    try:
        database_engine = engine()
        require_migrated(database_engine)
    except (ArgumentError, ImportError):
        raise DatabaseUnusable(
            "IMATCH_DATABASE_URL is the address of no SQLite or PostgreSQL database, like"
            " sqlite:///i_match.db or postgresql://user:password@host/name."
        ) from None
    except DatabaseError as database_error:
        error = database_error
    if type(error) in {OperationalError, DatabaseError} and isinstance(error, DatabaseError):
        reason = str(error.orig).partition("\n")[0]
        raise DatabaseUnusable(f"The database cannot be used: {reason}.") from None
