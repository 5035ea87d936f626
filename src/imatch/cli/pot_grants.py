"""`imatch pot grant` and `imatch pot grants`: propose and approve grants."""

from typing import Annotated

import typer

from imatch.accounts.models import User
from imatch.accounts.queries import user_by_id_or_email
from imatch.cli.acting import ActingOption
from imatch.cli.output import JsonOption, out, print_json, print_table
from imatch.core.database import SessionLocal
from imatch.pot.awards import grants
from imatch.pot.awards.models import PotGrant
from imatch.web.formats import number

app = typer.Typer(
    help="Awards that wait for a second operator: list, approve, reject.", no_args_is_help=True
)
GrantArgument = Annotated[int, typer.Argument(help="The grant's number.")]


def grant(
    user: Annotated[str, typer.Argument(help="The person's id or e-mail address.")],
    pot: Annotated[int, typer.Argument(help="How many POT.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; the person reads it.")],
    operator: ActingOption,
    category: Annotated[
        str, typer.Option(help="What it counts as: an earning rule's name.")
    ] = "community_help",
    as_json: JsonOption = False,
) -> None:
    """Propose to give a person POT: a grant waits for a second operator."""
    with SessionLocal() as db:
        person = user_by_id_or_email(db, user)
        acting_operator = user_by_id_or_email(db, operator)
        proposed_grant = grants.propose(
            db, person.id, pot, category, reason, operator_id=acting_operator.id
        )
        summary = _summary(proposed_grant)
        email = person.email
    if as_json:
        print_json(summary)
        return
    out.print(
        f"Grant {summary['id']}: {number(pot)} POT for {email} waits for a second operator.\n"
        f"To approve it: imatch pot grants approve {summary['id']} --as THEIR-ADDRESS",
        markup=False,
        highlight=False,
    )


@app.command("list")
def list_waiting(*, as_json: JsonOption = False) -> None:
    """Grants that wait for a second operator, the oldest first."""
    with SessionLocal() as db:
        waiting = [
            (
                grant,
                db.get_one(User, grant.user_id).email,
                db.get_one(User, grant.proposed_by).email,
            )
            for grant in grants.proposed(db)
        ]
    if as_json:
        print_json([_summary(grant) for grant, _email, _proposer in waiting])
        return
    lines = [
        (grant.id, email, number(grant.amount), grant.reason, proposer)
        for grant, email, proposer in waiting
    ]
    print_table("Waiting grants", ("Grant", "For", "POT", "Reason", "Proposed by"), lines)


@app.command()
def approve(
    grant_id: GrantArgument, *, operator: ActingOption, as_json: JsonOption = False
) -> None:
    """Give what a colleague proposed."""
    with SessionLocal() as db:
        acting_operator = user_by_id_or_email(db, operator)
        _confirm(grants.approve(db, grant_id, operator_id=acting_operator.id), as_json=as_json)


@app.command()
def reject(grant_id: GrantArgument, *, operator: ActingOption, as_json: JsonOption = False) -> None:
    """Turn down what a colleague proposed."""
    with SessionLocal() as db:
        acting_operator = user_by_id_or_email(db, operator)
        _confirm(grants.reject(db, grant_id, operator_id=acting_operator.id), as_json=as_json)


def _confirm(row: PotGrant, *, as_json: bool) -> None:
    if as_json:
        print_json(_summary(row))
        return
    out.print(
        f"Grant {row.id} of {number(row.amount)} POT: {row.status}.",
        markup=False,
        highlight=False,
    )


def _summary(row: PotGrant) -> dict[str, object]:
    return {
        "id": row.id,
        "user_id": row.user_id,
        "amount": row.amount,
        "category": row.category,
        "reason": row.reason,
        "status": row.status,
        "proposed_by": row.proposed_by,
        "decided_by": row.decided_by,
        "transaction_id": row.transaction_id,
    }
