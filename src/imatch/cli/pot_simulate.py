"""`imatch pot simulate`: simulate months of the POT economy, with attacks."""

import csv
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from sqlalchemy import event
from sqlalchemy.orm import Session

from imatch.cli.output import JsonOption, err, out, print_json, print_table
from imatch.core.database import SessionLocal, make_engine
from imatch.core.logs import configure_logs
from imatch.core.money import usd
from imatch.core.settings import get_settings
from imatch.operations.database import migrate
from imatch.operations.simulation import Plan, SimulatedWeek, SimulationResult
from imatch.operations.simulation import simulate as run_simulation
from imatch.operations.simulation.charts import Chart, charts
from imatch.web.formats import money, number, plural

_MAX_PEOPLE = 100_000
_BARS = " ▁▂▃▄▅▆▇█"
_PLOT_COLUMNS = 72


def simulate(
    *,
    months: Annotated[int, typer.Option(min=1, max=120, help="How long.")] = 24,
    seekers: Annotated[int, typer.Option(min=0, max=_MAX_PEOPLE, help="Honest ones.")] = 3_900,
    providers: Annotated[int, typer.Option(min=0, max=_MAX_PEOPLE, help="Honest ones.")] = 800,
    attackers: Annotated[int, typer.Option(min=0, max=_MAX_PEOPLE, help="Accounts.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 1,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the weeks as CSV.")] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the weeks in the terminal.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Write the plots into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the real rules, books and policy over invented people, on a database thrown away."""
    plan = Plan(months, seekers, providers, attackers, seed)
    with _scratch_database() as db, Progress(console=err, transient=True) as bar:
        task = bar.add_task("Living through the days", total=plan.days)
        result = run_simulation(db, plan, progress=lambda day: bar.update(task, completed=day))
    if svg is not None:
        svg.mkdir(parents=True, exist_ok=True)
        for chart in charts(result):
            (svg / f"{chart.name}.svg").write_text(chart.svg(), encoding="utf-8")
    if as_json:
        print_json(result.as_dict())
    elif as_csv:
        _print_csv(result)
    else:
        _print_result(result)
        if plot:
            for chart in charts(result):
                _draw(chart)


@contextmanager
def _scratch_database() -> Iterator[Session]:
    """A migrated, temporary SQLite database without durability, with redemption on."""
    os.environ["IMATCH_CASH_REDEMPTION"] = "true"
    os.environ["IMATCH_LOG_LEVEL"] = "error"  # hides thousands of operator acts
    get_settings.cache_clear()
    configure_logs(to_stderr=True)
    memory = Path("/dev/shm")  # noqa: S108 -- a folder with a random name is created below
    parent = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="imatch-simulation-", dir=parent) as folder:
        engine = make_engine(f"sqlite:///{folder}/simulation.db")
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        migrate(engine)
        try:
            with SessionLocal(bind=engine) as db:
                yield db
        finally:
            engine.dispose()


def _print_result(result: SimulationResult) -> None:
    print_table(
        f"{plural(result.plan.months, 'month')}, seed {result.plan.seed}",
        ("Claim", "Found", "Holds"),
        [(claim.claim, claim.found, "yes" if claim.holds else "NO") for claim in result.checks],
    )
    print_table(
        "Who got what",
        ("Group", "Accounts", "Earned", "Spent", "Redeemed", "Commission paid", "Net cash"),
        [
            (
                group,
                outcome.accounts,
                number(outcome.earned),
                number(outcome.spent),
                money(usd(outcome.redeemed_cents)),
                money(usd(outcome.commission_cents)),
                money(usd(outcome.net_cents)),
            )
            for group, outcome in result.groups.items()
        ],
    )
    out.print(
        f"{number(result.facts)} facts, {number(result.transactions)} transactions,"
        f" {number(result.redemptions_paid)} redemptions paid in {number(result.seconds, 0)} s"
        f" ({number(result.cpu_seconds, 0)} s of one processor)."
    )


def _print_csv(result: SimulationResult) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(field.name for field in fields(SimulatedWeek))
    writer.writerows(asdict(week).values() for week in result.weeks)


def _draw(chart: Chart) -> None:
    """Print each line of a chart as a row of bars with its range."""
    out.print(f"\n[bold]{chart.title}[/]")
    for line in chart.lines:
        values = [value for value in line.values if value is not None]
        if not values:
            continue
        low, high = min(values), max(values)
        step = max(len(line.values) // _PLOT_COLUMNS, 1)
        span = (high - low) or 1
        bars = "".join(
            " " if value is None else _BARS[1 + int((value - low) / span * (len(_BARS) - 2))]
            for value in line.values[::step]
        )
        out.print(f"{line.name:>24} {bars} {number(low)} to {number(high)}", highlight=False)
