"""`imatch worker`: run background jobs in a process of their own."""

import signal
import threading
from typing import Annotated

import typer

from imatch.cli.output import err
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
) -> None:
    """Run background jobs, such as sending mail, until stopped."""
    configure_logs()
    wire()
    require_migrated(engine())
    if until_idle:
        run_until_idle()
        return
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    with running_worker():
        err.print("The worker runs jobs. Stop it with Ctrl+C.")
        stopped.wait()
