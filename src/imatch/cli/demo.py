"""`imatch demo`: fill the database with fictional people."""

from typing import Annotated

import typer
from rich.progress import Progress

from imatch.cli.output import JsonOption, err, out, print_json
from imatch.core.database import SessionLocal
from imatch.operations.demo import generate

_MAX_PEOPLE = 1_000_000


def demo(
    *,
    providers: Annotated[
        int, typer.Option(min=0, max=_MAX_PEOPLE, help="How many to add.")
    ] = 2_000,
    seekers: Annotated[int, typer.Option(min=0, max=_MAX_PEOPLE, help="How many to add.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed draws the same people.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Add fictional providers and seekers to every active category."""
    with SessionLocal() as db, Progress(console=err, transient=True) as bar:
        task = bar.add_task("Inventing people", total=providers + seekers)
        counts = generate(
            db,
            providers=providers,
            seekers=seekers,
            seed=seed,
            progress=lambda done: bar.advance(task, done),
        )
    if as_json:
        print_json({"providers": counts.providers, "seekers": counts.seekers, "seed": seed})
    else:
        out.print(f"Added {counts.providers} fictional providers and {counts.seekers} seekers.")
