"""`imatch users`: create operators, show and close accounts, end sessions."""

import sys
from typing import Annotated, Any

import typer

from imatch.accounts import queries
from imatch.accounts.models import AccountType, User
from imatch.accounts.service import administration, second_factor, sessions
from imatch.cli.output import JsonOption, out, print_facts, print_json, print_table
from imatch.core.database import SessionLocal
from imatch.web.formats import plural

app = typer.Typer(help="Make operators, look at accounts, close them.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]


@app.command("create-operator")
def create_operator(
    email: Email,
    *,
    name: Annotated[str, typer.Option(help="How colleagues call this person.")] = "Operator",
    link: Annotated[
        bool, typer.Option("--link", help="Ask for no password: print a link that sets it, once.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Give an address an operator's account. The password is asked for, or read from a pipe."""
    password = None if link else _read_password()
    with SessionLocal() as db:
        user = administration.create_operator(db, email=email, name=name, password=password)
        url = administration.first_password_link(db, user) if link else None
        summary = _summary(user) | ({"set_password_url": url} if url else {})
    if as_json:
        print_json(summary)
        return
    out.print(f"{summary['email']} is an operator.", markup=False)
    if url:
        out.print("Open this link within three days to set the password:")
        typer.echo(url)


@app.command("list")
def list_users(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 50,
    account_type: Annotated[
        AccountType | None, typer.Option("--type", help="Only accounts of this kind.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The newest accounts."""
    with SessionLocal() as db:
        rows = [_summary(user) for user in queries.users(db, limit, account_type=account_type)]
    if as_json:
        print_json(rows)
        return
    columns = ("id", "email", "name", "account_type", "active", "confirmed")
    print_table("Accounts", columns, [[_cell(row[key]) for key in columns] for row in rows])


@app.command()
def show(email: Email, *, as_json: JsonOption = False) -> None:
    """One account."""
    with SessionLocal() as db:
        user = administration.require_user(db, email)
        facts = _summary(user) | {
            "created_at": user.created_at,
            "last_sign_in_at": user.last_sign_in_at,
            "second_factor": user.totp_confirmed_at is not None,
            "browsers": len(queries.sessions_of(db, user.id)),
            "api_keys": len(queries.api_keys_of(db, user.id)),
        }
    if as_json:
        print_json(facts)
    else:
        print_facts(facts["email"], {key: _cell(value) for key, value in facts.items()})


@app.command()
def deactivate(email: Email, *, as_json: JsonOption = False) -> None:
    """Close an account to its owner and sign them out everywhere."""
    with SessionLocal() as db:
        user = administration.require_user(db, email)
        administration.deactivate(db, user)
        summary = _summary(user)
    if as_json:
        print_json(summary)
    else:
        out.print(f"{summary['email']} is closed and signed out everywhere.", markup=False)


@app.command("end-sessions")
def end_sessions(email: Email, *, as_json: JsonOption = False) -> None:
    """Sign somebody out everywhere."""
    with SessionLocal() as db:
        user = administration.require_user(db, email)
        ended = sessions.end_all(db, user.id)
        user_email = user.email
    if as_json:
        print_json({"email": user_email, "ended": ended})
    else:
        out.print(f"{user_email} was signed out of {plural(ended, 'browser')}.", markup=False)


@app.command("remove-second-factor")
def remove_second_factor(email: Email, *, as_json: JsonOption = False) -> None:
    """Let somebody who lost device and recovery codes sign in with the password alone.

    Make sure first that it is really them. They are told by mail.
    """
    with SessionLocal() as db:
        user = administration.require_user(db, email)
        second_factor.switch_off(db, user)
        summary = _summary(user)
    if as_json:
        print_json(summary)
    else:
        out.print(f"{summary['email']} signs in without a second factor now.", markup=False)


def _read_password() -> str:
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise typer.BadParameter("Pipe the password in, or ask for a link with --link.")
    return line


def _summary(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "account_type": str(user.account_type),
        "active": user.active,
        "confirmed": user.email_confirmed_at is not None,
    }


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
