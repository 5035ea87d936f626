"""Kill -9 under load, again and again: every acknowledged movement is there, once; drift is 0.

    python -m bench.faults.kill --database sqlite --kills 200
    python -m bench.faults.kill --database postgresql --kills 50

On PostgreSQL the program is killed, and every fifth time one of the server's own processes too,
upon which the server ends all of them at once and recovers from its log.
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
MOST_ACKNOWLEDGED = 1_500
CRASH_EVERY = 5


@dataclass(slots=True)
class Result:
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0  # acknowledged, but not in the journal as it was acknowledged
    replayed: int = 0  # asked again after the kill: nothing moved twice
    moved_again: int = 0
    rows: int = 0
    findings: int = 0

    @property
    def sound(self) -> bool:
        return not (self.lost or self.moved_again or self.findings)


Acknowledged = dict[str, tuple[int, int]]


def nothing_more(_number: int) -> None:
    """The writer's death is all that happens."""


def run(
    url: str,
    kills: int,
    seed: int = 1,
    *,
    audit_every: int = 20,
    strike: Callable[[int], None] = nothing_more,
) -> Result:
    """Kill a writer `kills` times, each after a random number of acknowledgements.

    `strike(number)` is called just before each kill. What was acknowledged is looked for after
    each, the whole journal is audited now and then and at the end.
    """
    chance, result = random.Random(seed), Result()
    _prepare(url)
    with _zygote() as zygote:
        for number in range(kills):
            most = chance.randint(1, MOST_ACKNOWLEDGED)
            acknowledged = _load_and_kill(zygote, f"{url} {number}", most, strike)
            result.kills += 1
            _compare(url, acknowledged, result)
            if (number + 1) % audit_every == 0 or number + 1 == kills:
                _audit(url, result)
    return result


def _prepare(url: str) -> None:
    bound = database.bind(url)
    migrate(bound)
    with SessionLocal() as db, atomic(db):
        db.add_all(
            User(email=f"person{number}@example.org", name=f"Person {number}")
            for number in range(PEOPLE)
        )
    bound.dispose()


@contextlib.contextmanager
def _zygote() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.faults.writer"]
    started = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield started
    finally:
        started.communicate()  # the end of its input ends it


def _load_and_kill(
    zygote: subprocess.Popen[str], order: str, most: int, strike: Callable[[int], None]
) -> Acknowledged:
    if zygote.stdin is None or zygote.stdout is None:
        raise ValueError("a zygote is talked to through pipes")
    zygote.stdin.write(f"{order}\n")
    acknowledged: Acknowledged = {}
    child = 0
    for line in zygote.stdout:
        words = line.split() or [""]
        if words[0] == "gone":
            return acknowledged
        if words[0] == "pid":
            child = int(words[1])
        elif words[0].startswith("kill:"):  # not a line of the program's log
            acknowledged[words[0]] = (int(words[1]), int(words[2]))
        if child and len(acknowledged) >= most:
            strike(int(order.rsplit(maxsplit=1)[-1]))
            os.kill(child, signal.SIGKILL)
            most = sys.maxsize  # what it said before it died is still read
    raise RuntimeError("the writer's parent has died")


def _compare(url: str, acknowledged: Acknowledged, result: Result) -> None:
    """Look for each acknowledged movement, and ask for some of them again with the same key."""
    bound = database.bind(url)
    journal = POT.journal
    with SessionLocal() as db:
        keys = list(acknowledged)
        found: Acknowledged = {}
        for start in range(0, len(keys), 500):
            rows = select(journal.idempotency_key, journal.id, journal.amount).where(
                journal.idempotency_key.in_(keys[start : start + 500])
            )
            found |= {key: (row_id, amount) for key, row_id, amount in db.execute(rows)}
        result.acknowledged += len(keys)
        result.lost += sum(found.get(key) != said for key, said in acknowledged.items())
        db.rollback()
        _replay(found, result)
    bound.dispose()


def _replay(found: Acknowledged, result: Result) -> None:
    with SessionLocal() as db:
        journal = POT.journal
        for key, (row_id, amount) in list(found.items())[-20:]:
            row = db.scalars(select(journal).where(journal.id == row_id)).one()
            if row.transaction_type != "earn":
                continue
            again = POTService(db).award_pot(row.user_id or 0, row.category, amount, key=key)
            result.replayed += 1
            result.moved_again += again["transaction_id"] != row_id


def _audit(url: str, result: Result) -> None:
    bound = database.bind(url)
    with SessionLocal() as db:
        proved = audit(db, POT)
    result.findings = proved.finding_count
    result.rows = proved.row_count
    bound.dispose()


def crash_now_and_then(url: str) -> Callable[[int], None]:
    """Kills one of the PostgreSQL server's processes every fifth time, and waits until it is up."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def strike(number: int) -> None:
        if number % CRASH_EVERY:
            return
        connection = psycopg.connect(address, autocommit=True)
        busy = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        pids = [int(pid) for (pid,) in connection.execute(busy)]
        os.kill(next(pid for pid in pids if pid != connection.info.backend_pid), signal.SIGKILL)
        with contextlib.suppress(psycopg.OperationalError):
            while connection.execute("SELECT 1"):  # until the server has noticed
                time.sleep(0.01)
        connection.close()
        _wait_for(address)

    return strike


def _wait_for(address: str) -> None:
    patience = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            if time.monotonic() > patience:
                raise
            time.sleep(0.05)
        else:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the databases are made")
    asked = parser.parse_args()
    began = time.perf_counter()
    with durable(asked.database, asked.folder) as url:
        crashing = asked.database == "postgresql"
        strike = crash_now_and_then(url) if crashing else nothing_more
        result = run(url, asked.kills, asked.seed, strike=strike)
    print(
        f"{asked.database}: {result.kills} kills in {time.perf_counter() - began:.0f} s,"
        f" {result.acknowledged} movements acknowledged, {result.lost} lost,"
        f" {result.replayed} asked again, {result.moved_again} moved twice,"
        f" {result.rows} rows audited, drift {result.findings}"
    )
    return 0 if result.sound else 1


if __name__ == "__main__":
    sys.exit(main())
