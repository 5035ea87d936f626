"""`imatch worker`: run background jobs in a separate process."""

import signal
import threading
from typing import Annotated

import typer

from imatch.cli.output import JsonLinesOption, err, log_json_lines, print_event
from imatch.core.database import engine
from imatch.core.logs import configure_logs
from imatch.jobs.worker import run_until_idle, running_worker
from imatch.operations.setup import require_migrated
from imatch.wiring import wire


def worker(
    *,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Run what is due, then stop.")
    ] = False,
    as_json: JsonLinesOption = False,
) -> None:
    """Run background jobs, such as sending mail, until stopped."""
    if as_json:
        log_json_lines()
    configure_logs()
    wire()
    require_migrated(engine())
    if until_idle:
        run_until_idle()
    else:
        _run_until_stopped(as_json=as_json)
    if as_json:
        print_event("worker_stopped")


def _run_until_stopped(*, as_json: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with running_worker():
        if as_json:
            print_event("worker_started")
        else:
            err.print("The worker runs jobs. Stop it with Ctrl+C.")
        stop.wait()
