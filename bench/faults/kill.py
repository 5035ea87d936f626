"""Repeated kill -9 under load: every acknowledged movement is stored exactly once, without drift.

    python -m bench.faults.kill --database sqlite --kills 200
    python -m bench.faults.kill --database postgresql --kills 50

On PostgreSQL, every fifth time one of the server's processes is killed too. The server then ends
all of its processes and recovers from its log.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from sqlalchemy import make_url, select

from bench.ledger.databases import durable
from imatch.accounts.models import User
from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import POT
from imatch.ledger.auditing.audit import audit
from imatch.operations.database import migrate
from imatch.pot.service import POTService

PEOPLE = 50
MAX_ACKNOWLEDGED = 1_500
CRASH_INTERVAL = 5


@dataclass(slots=True)
class Result:
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0  # acknowledged, but missing or different in the journal
    replayed: int = 0  # repeated with the same key after the kill
    moved_again: int = 0
    rows: int = 0
    findings: int = 0

    @property
    def passed(self) -> bool:
        return not (self.lost or self.moved_again or self.findings)


Acknowledged = dict[str, tuple[int, int]]


def no_server_crash(_number: int) -> None:
    """Does nothing: only the writer is killed."""


def run(
    url: str,
    kills: int,
    seed: int = 1,
    *,
    audit_every: int = 20,
    before_kill: Callable[[int], None] = no_server_crash,
) -> Result:
    """Kill a writer `kills` times, each after a random number of acknowledgements.

    Calls `before_kill(number)` before each kill. After each kill, checks that every acknowledged
    movement is stored. Audits the journal every `audit_every` kills and at the end.
    """
    rng, result = random.Random(seed), Result()
    _prepare(url)
    with _fork_server() as fork_server:
        for number in range(kills):
            max_acknowledged = rng.randint(1, MAX_ACKNOWLEDGED)
            acknowledged = _load_and_kill(
                fork_server, f"{url} {number}", max_acknowledged, before_kill
            )
            result.kills += 1
            _compare(url, acknowledged, result)
            if (number + 1) % audit_every == 0 or number + 1 == kills:
                _audit(url, result)
    return result


def _prepare(url: str) -> None:
    engine = database.bind(url)
    migrate(engine)
    with SessionLocal() as db, atomic(db):
        db.add_all(
            User(email=f"person{number}@example.org", name=f"Person {number}")
            for number in range(PEOPLE)
        )
    engine.dispose()


@contextlib.contextmanager
def _fork_server() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.faults.writer"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield process
    finally:
        process.communicate()  # the end of its input stops it


def _load_and_kill(
    fork_server: subprocess.Popen[str],
    order: str,
    max_acknowledged: int,
    before_kill: Callable[[int], None],
) -> Acknowledged:
    if fork_server.stdin is None or fork_server.stdout is None:
        raise ValueError("the fork server needs pipes")
    fork_server.stdin.write(f"{order}\n")
    acknowledged: Acknowledged = {}
    child = 0
    for line in fork_server.stdout:
        words = line.split() or [""]
        if words[0] == "gone":
            return acknowledged
        if words[0] == "pid":
            child = int(words[1])
        elif words[0].startswith("kill:"):  # not a log line
            acknowledged[words[0]] = (int(words[1]), int(words[2]))
        if child and len(acknowledged) >= max_acknowledged:
            before_kill(int(order.rsplit(maxsplit=1)[-1]))
            os.kill(child, signal.SIGKILL)
            max_acknowledged = sys.maxsize  # still read what it wrote before it died
    raise RuntimeError("the writer's parent has died")


def _compare(url: str, acknowledged: Acknowledged, result: Result) -> None:
    """Check that each acknowledged movement is stored, and repeat some with the same key."""
    engine = database.bind(url)
    journal = POT.journal
    with SessionLocal() as db:
        keys = list(acknowledged)
        stored: Acknowledged = {}
        for start in range(0, len(keys), 500):
            rows = select(journal.idempotency_key, journal.id, journal.amount).where(
                journal.idempotency_key.in_(keys[start : start + 500])
            )
            stored |= {key: (row_id, amount) for key, row_id, amount in db.execute(rows)}
        result.acknowledged += len(keys)
        result.lost += sum(stored.get(key) != entry for key, entry in acknowledged.items())
        db.rollback()
        _replay(stored, result)
    engine.dispose()


def _replay(stored: Acknowledged, result: Result) -> None:
    with SessionLocal() as db:
        journal = POT.journal
        for key, (row_id, amount) in list(stored.items())[-20:]:
            row = db.scalars(select(journal).where(journal.id == row_id)).one()
            if row.transaction_type != "earn":
                continue
            replayed = POTService(db).award_pot(row.user_id or 0, row.category, amount, key=key)
            result.replayed += 1
            result.moved_again += replayed["transaction_id"] != row_id


def _audit(url: str, result: Result) -> None:
    engine = database.bind(url)
    with SessionLocal() as db:
        audit_result = audit(db, POT)
    result.findings = audit_result.finding_count
    result.rows = audit_result.row_count
    engine.dispose()


def crash_server(url: str) -> Callable[[int], None]:
    """A `before_kill` that kills a PostgreSQL process every fifth time and waits for recovery."""
    uri = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def before_kill(number: int) -> None:
        if number % CRASH_INTERVAL:
            return
        connection = psycopg.connect(uri, autocommit=True)
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        pids = [int(pid) for (pid,) in connection.execute(query)]
        os.kill(next(pid for pid in pids if pid != connection.info.backend_pid), signal.SIGKILL)
        with contextlib.suppress(psycopg.OperationalError):
            while connection.execute("SELECT 1"):  # until the server ends this connection
                time.sleep(0.01)
        connection.close()
        _wait_for(uri)

    return before_kill


def _wait_for(uri: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(uri).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the databases are created")
    options = parser.parse_args()
    began = time.perf_counter()
    with durable(options.database, options.folder) as url:
        crashes_server = options.database == "postgresql"
        before_kill = crash_server(url) if crashes_server else no_server_crash
        result = run(url, options.kills, options.seed, before_kill=before_kill)
    print(
        f"{options.database}: {result.kills} kills in {time.perf_counter() - began:.0f} s,"
        f" {result.acknowledged} movements acknowledged, {result.lost} lost,"
        f" {result.replayed} asked again, {result.moved_again} moved twice,"
        f" {result.rows} rows audited, drift {result.findings}"
    )
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
