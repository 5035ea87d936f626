"""`imatch pot policy`: policy versions and the weekly decision."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from imatch.accounts.queries import user_by_id_or_email
from imatch.cli.acting import ActingOption
from imatch.cli.output import JsonOption, out, print_facts, print_json, print_table
from imatch.core.database import SessionLocal
from imatch.core.errors import Invalid
from imatch.pot.policy import service as policy
from imatch.pot.policy import versions as policy_versions
from imatch.pot.policy.models import PotPolicyRun, PotPolicyVersion
from imatch.web.formats import number, sortable

app = typer.Typer(
    help="The economy's numbers: show, propose, approve; the weekly decision.",
    no_args_is_help=True,
)
VersionArgument = Annotated[int, typer.Argument(help="The version's number.")]
_PROJECTED_WEEKS = (4, 13, 26, 52)


@app.command()
def show(*, as_json: JsonOption = False) -> None:
    """The numbers in effect, this week's budget, the last decisions and every version."""
    with SessionLocal() as db:
        numbers, budget = policy.current(db), policy.budget(db)
        runs, versions = policy.last_runs(db, 8), policy_versions.versions(db)
    if as_json:
        print_json(
            {
                "numbers": numbers.model_dump(),
                "budget": {"total": budget.total, "spent": budget.spent, "left": budget.left},
                "runs": [_run(run) for run in runs],
                "versions": [_version(version) for version in versions],
            }
        )
        return
    print_facts("Numbers in effect", numbers.model_dump())
    print_facts(
        "Awards this week",
        {
            "Budget": number(budget.total),
            "Spent": number(budget.spent),
            "Left": number(budget.left),
        },
    )
    _print_runs(runs)
    print_table(
        "Versions",
        ("Version", "Status", "In effect from", "Reason"),
        [(row.id, row.status, _timestamp(row.effective_at), row.reason) for row in versions],
    )


@app.command()
def propose(
    *,
    edits: Annotated[
        list[str], typer.Option("--set", help="A number to change: name=value. Repeat it.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept with the version.")],
    operator: ActingOption,
    as_json: JsonOption = False,
) -> None:
    """File new numbers, and show what they change and where they lead."""
    with SessionLocal() as db:
        before = policy_versions.basis(db)
        proposal = policy_versions.propose(
            db,
            operator_id=user_by_id_or_email(db, operator).id,
            edits=dict(_edit(edit) for edit in edits),
            reason=reason,
        )
        after = policy.Numbers.model_validate(proposal.numbers)
        paths = [policy_versions.projection(db, numbers) for numbers in (before, after)]
    changes = policy_versions.changes(before, after)
    projected = [
        (old, new) for old, new in zip(*paths, strict=True) if old.week in _PROJECTED_WEEKS
    ]
    if as_json:
        print_json(
            {
                **_version(proposal),
                "changes": {change.name: [change.before, change.after] for change in changes},
                "projection": [
                    {
                        "week": old.week,
                        "supply": [old.supply, new.supply],
                        "award_budget": [old.award_budget, new.award_budget],
                    }
                    for old, new in projected
                ],
            }
        )
        return
    _print_proposal(proposal.id, changes, projected)


@app.command()
def approve(
    version: VersionArgument,
    *,
    operator: ActingOption,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="In effect from this day on, in UTC; else now."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let proposed numbers come into effect. Needs another operator than proposed them."""
    with SessionLocal() as db:
        decided = policy_versions.approve(
            db,
            version,
            operator_id=user_by_id_or_email(db, operator).id,
            effective_at=on.replace(tzinfo=UTC) if on else None,
        )
    if as_json:
        print_json(_version(decided))
    else:
        out.print(f"Version {decided.id} is in effect from {_timestamp(decided.effective_at)} on.")


@app.command()
def reject(
    version: VersionArgument, *, operator: ActingOption, as_json: JsonOption = False
) -> None:
    """Turn proposed numbers down."""
    with SessionLocal() as db:
        operator_id = user_by_id_or_email(db, operator).id
        decided = policy_versions.reject(db, version, operator_id=operator_id)
    if as_json:
        print_json(_version(decided))
    else:
        out.print(f"Version {decided.id} is rejected.")


@app.command()
def run(*, as_json: JsonOption = False) -> None:
    """Decide this week and weeks that were missed, as the worker does once a week has begun."""
    with SessionLocal() as db:
        run_row = policy.run_week(db)
    if as_json:
        print_json(_run(run_row))
    else:
        _print_runs([run_row])


@app.command("dry-run")
def dry_run(*, as_json: JsonOption = False) -> None:
    """What would be decided if next week began now; nothing is written."""
    with SessionLocal() as db:
        decision = _dry_run(db)
    if as_json:
        print_json(decision)
    else:
        print_facts("If next week began now", decision)


def _dry_run(db: Session) -> dict[str, object]:
    decision = policy.dry_run(db)
    inputs = decision.pop("inputs")
    return {**(inputs if isinstance(inputs, dict) else {}), **decision}


def _print_proposal(
    version_id: int,
    changes: list[policy_versions.Change],
    projected: list[tuple[policy_versions.ProjectedWeek, policy_versions.ProjectedWeek]],
) -> None:
    rows = [(change.name, change.before, change.after) for change in changes]
    print_table(f"Version {version_id} is proposed", ("Number", "Now", "Then"), rows)
    print_table(
        "Where it leads, if as much POT leaves as lately and all budgets are used up",
        ("Week", "Supply now", "Supply then", "Budget now", "Budget then"),
        [
            (
                old.week,
                number(old.supply),
                number(new.supply),
                number(old.award_budget),
                number(new.award_budget),
            )
            for old, new in projected
        ],
    )
    out.print(
        f"Another operator approves it: imatch pot policy approve {version_id} --as THEIR-ADDRESS",
        highlight=False,
    )


def _edit(text: str) -> tuple[str, object]:
    """The name and value of a --set option; `none` removes a limit. Raises Invalid."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise Invalid(f"Write --set as name=value, not {text!r}.")
    return name.strip(), None if value.strip().lower() == "none" else value.strip()


def _print_runs(runs: list[PotPolicyRun]) -> None:
    print_table(
        "Weekly decisions",
        ("Week", "Supply", "Course", "Left supply", "Minted", "Award budget"),
        [
            (
                row.week,
                number(row.inputs["supply"]),
                number(row.inputs["target"], 0),
                number(row.inputs["left_this_week"], 0),
                number(row.minted),
                number(row.award_budget),
            )
            for row in runs
        ],
    )


def _run(row: PotPolicyRun) -> dict[str, object]:
    return {
        "week": row.week,
        "version": row.policy_version_id,
        "inputs": row.inputs,
        "minted": row.minted,
        "award_budget": row.award_budget,
    }


def _version(row: PotPolicyVersion) -> dict[str, object]:
    return {
        "version": row.id,
        "status": row.status,
        "reason": row.reason,
        "numbers": row.numbers,
        "proposed_by": row.proposed_by,
        "proposed_at": row.proposed_at,
        "decided_by": row.decided_by,
        "effective_at": row.effective_at,
    }


def _timestamp(moment: datetime | None) -> str:
    return sortable(moment) if moment else "–"
