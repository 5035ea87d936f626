"""`imatch providers`: show profiles and decide on them."""

from datetime import datetime
from typing import Annotated

import typer

from imatch.categories.catalog import definitions
from imatch.categories.models import Category
from imatch.cli.output import JsonOption, out, print_facts, print_json, print_table
from imatch.core.clock import now
from imatch.core.database import SessionLocal
from imatch.providers import approval, queries, rules, service
from imatch.providers.models import Provider, ProviderStatus

app = typer.Typer(help="Look at profiles, approve, reject and pause them.", no_args_is_help=True)


def _categories(incomplete: str) -> list[str]:
    return [name for name in definitions() if name.startswith(incomplete)]


SlugArgument = Annotated[
    str, typer.Argument(help="The last part of the profile's address, /p/SLUG.")
]


@app.command("list")
def list_all(
    *,
    category: Annotated[
        str | None, typer.Option(help="Only this category.", autocompletion=_categories)
    ] = None,
    status: Annotated[ProviderStatus | None, typer.Option(help="Only this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Profiles of any status, the newest first."""
    with SessionLocal() as db:
        rows = queries.newest(db, category=category, status=status, limit=limit)
    if as_json:
        print_json([_summary(provider, row) for provider, row in rows])
        return
    columns = ("Slug", "Name", "Category", "Status", "Takes new", "Sent")
    moment = now()
    lines = [
        (
            provider.slug,
            provider.display_name,
            row.name,
            provider.status,
            "yes" if rules.takes_new(provider, moment) else "no",
            _day(provider.submitted_at),
        )
        for provider, row in rows
    ]
    print_table("Profiles", columns, lines)


@app.command()
def show(slug: SlugArgument, *, as_json: JsonOption = False) -> None:
    """One profile, private fields included."""
    with SessionLocal() as db:
        provider = queries.by_slug(db, slug)
        definition = service.definition_of(db, provider)
    if as_json:
        document = rules.own_provider_out(provider, definition).model_dump(mode="json")
        print_json({"id": provider.id, **document})
        return
    completeness = rules.completeness(definition, provider.profile)
    print_facts(
        provider.display_name or slug,
        {
            "Category": definition.display_name,
            "Status": provider.status,
            "Reason": provider.decision_reason or "none",
            "Complete": f"{completeness.percent} %",
            "Missing": ", ".join(gap.label for gap in completeness.required) or "nothing",
            "Places": f"{provider.active_count} of {provider.capacity} in use",
            "Checked credentials": ", ".join(provider.verified_credentials) or "none",
        },
    )
    answers = {
        definition.provider[name].label: rules.described(definition, provider.profile, name)
        for page in definition.profile
        for name in page.fields
        if name in provider.profile
    }
    print_facts("Answers", answers)


@app.command()
def approve(slug: SlugArgument, *, as_json: JsonOption = False) -> None:
    """Make a waiting profile public."""
    with SessionLocal() as db:
        _confirm(approval.approve(db, queries.by_slug(db, slug), None), as_json=as_json)


@app.command()
def reject(
    slug: SlugArgument,
    *,
    reason: Annotated[str, typer.Option(help="Its owner reads this, word for word.")],
    as_json: JsonOption = False,
) -> None:
    """Refuse a waiting profile, or take a public one down."""
    with SessionLocal() as db:
        provider = queries.by_slug(db, slug)
        _confirm(approval.reject(db, provider, None, reason=reason), as_json=as_json)


@app.command()
def pause(slug: SlugArgument, *, as_json: JsonOption = False) -> None:
    """Send nobody new to a profile until its owner resumes."""
    with SessionLocal() as db:
        _confirm(service.pause(db, queries.by_slug(db, slug)), as_json=as_json)


def _confirm(provider: Provider, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "slug": provider.slug,
                "status": provider.status,
                "accepting_new": rules.takes_new(provider, now()),
            }
        )
        return
    paused = "" if rules.takes_new(provider, now()) else ", takes nobody new"
    out.print(f"{provider.slug}: {provider.status}{paused}.", markup=False, highlight=False)


def _summary(provider: Provider, category: Category) -> dict[str, object]:
    return {
        "id": provider.id,
        "slug": provider.slug,
        "display_name": provider.display_name,
        "category": category.name,
        "status": provider.status,
        "accepting_new": rules.takes_new(provider, now()),
        "submitted_at": provider.submitted_at,
    }


def _day(moment: datetime | None) -> str:
    return moment.date().isoformat() if moment else ""
