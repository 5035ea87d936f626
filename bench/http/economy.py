"""The response time of the economy page for a book of any size.

    python -m bench.http.economy [--transactions 100000] [--people 20000] [--requests 200]
        [--folder DIRECTORY | --keep FILE]

Fills a new SQLite database with 90 days of transactions through `post_many`, seals them as the
worker would, starts a server on a free port and requests /console/economy as an operator: first
without movements, then with a movement before every request, which invalidates cached figures.
`--keep` stores the database in that file; an existing file is measured without filling it.
"""

import argparse
import http.client
import logging
import random
import secrets
import sys
import tempfile
import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from bench.http.load import percentile
from bench.http.servers import WITHOUT_WORKER, serving
from imatch.accounts.deps import cookie_name
from imatch.accounts.models import User
from imatch.accounts.service import sessions
from imatch.core import database
from imatch.core.clock import frozen, now
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import POT, Movement, SystemAccount, TransactionType, post_many
from imatch.ledger.models import PotTransaction
from imatch.ledger.sealing.seals import seal
from imatch.operations.database import migrate
from imatch.pot.awards.models import PotAward
from imatch.pot.policy import service as policy
from imatch.pot.rules import EARNINGS
from imatch.pot.shop.catalog import SPENDINGS
from imatch.web import rendering

DAYS = 90
BATCH_SIZE = 10_000
UNSEALED_ROWS = 900  # the worker seals about every thousand rows
PERIODS = ("7", "30", "90", "365", "all")


def fill(transactions: int, people: int) -> None:
    rng = random.Random(1)
    end = now()
    began = end - timedelta(days=DAYS)
    with SessionLocal() as db:
        with frozen(began):
            policy.genesis(db)
        _add_people(db, people, began, rng)
        sealed = max(transactions - UNSEALED_ROWS, 0)
        bounds = [*range(0, sealed, BATCH_SIZE), sealed, transactions]
        step = timedelta(days=DAYS) / transactions
        for first, last in pairwise(bounds):
            movements = [
                _movement(number, began + number * step, people, rng)
                for number in range(first, last)
            ]
            with atomic(db):
                post_many(db, POT, movements)
                db.execute(insert(PotAward), _awards(movements))
            _print_progress(f"{last} of {transactions} transactions")
            if last <= sealed:
                seal(db, POT, max_rows=BATCH_SIZE)


def operator_cookie() -> str:
    browser = sessions.Browser(address="127.0.0.1", user_agent="bench", token=None)
    with SessionLocal() as db:
        operator = db.scalars(select(User).where(User.account_type == "operator")).one()
        return sessions.start(db, operator, browser, stepped_up=True).token


def _add_people(db: Session, people: int, began: datetime, rng: random.Random) -> None:
    for first in range(1, people + 2, BATCH_SIZE):
        rows = [
            {
                "id": number,
                "email": f"person{number}@example.org",
                "name": f"Person {number}",
                "account_type": "operator" if number > people else "both",
                "created_at": began + timedelta(days=rng.uniform(-300, DAYS)),
            }
            for number in range(first, min(first + BATCH_SIZE, people + 2))
        ]
        with atomic(db):
            db.execute(insert(User), rows)


def _movement(number: int, moment: datetime, people: int, rng: random.Random) -> Movement:
    """A random movement: 60 % are awards; spending beyond the balance is refused."""
    user_id = int(people * rng.random() ** 2) + 1
    if rng.random() < 0.6:
        rule = rng.choice(EARNINGS)
        amount, category, account = rng.randint(10, 200), rule.name, SystemAccount.TREASURY
    else:
        option = rng.choice(SPENDINGS)
        amount, category, account = -rng.randint(10, 150), option.name, SystemAccount.BURNED
    return Movement(
        key=f"bench:{number:09}",
        user_id=user_id,
        amount=amount,
        counter_account=account,
        transaction_type=TransactionType.EARN if amount > 0 else TransactionType.SPEND,
        category=category,
        created_at=moment,
    )


def _awards(movements: list[Movement]) -> list[dict[str, object]]:
    return [
        {
            "key": movement.key,
            "user_id": movement.user_id,
            "rule": movement.category,
            "amount": movement.amount,
            "award_class": "B",
            "status": "paid",
            "earned_at": movement.created_at,
            "paid_at": movement.created_at,
        }
        for movement in movements
        if movement.amount > 0
    ]


def measure(base_url: str, cookie: str, requests: int, *, moving: bool) -> None:
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=60)
    headers = {"Cookie": f"{cookie_name()}={cookie}", "Accept-Encoding": "gzip"}
    for period in PERIODS:
        seconds, size = [], 0
        for number in range(requests + 3):
            if moving:
                _earn(f"bench:{secrets.token_hex(8)}")
            started = time.perf_counter()
            connection.request("GET", f"/console/economy?days={period}", headers=headers)
            answer = connection.getresponse()
            size = len(answer.read())
            if answer.status != 200:
                sys.exit(f"the page answered {answer.status}")
            if number >= 3:  # the first three warm up
                seconds.append(time.perf_counter() - started)
        seconds.sort()
        print(
            f"    {period:>3} days: p50 {percentile(seconds, 0.5) * 1000:5.1f} ms,"
            f" p95 {percentile(seconds, 0.95) * 1000:5.1f} ms, {size / 1000:.0f} kB gzipped"
        )


def _earn(key: str) -> None:
    movement = Movement(
        key=key,
        user_id=1,
        amount=1,
        counter_account=SystemAccount.TREASURY,
        transaction_type=TransactionType.EARN,
        category="daily_login",
    )
    with SessionLocal() as db:
        post_many(db, POT, [movement])


def _log_only_warnings() -> None:
    bound_logger = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=bound_logger)


def _print_progress(text: str) -> None:
    print(f"\r{text}", end="", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=200, help="for each period")
    parser.add_argument("--folder", help="where the database is created, instead of TMPDIR")
    parser.add_argument("--keep", type=Path, help="a database file to keep")
    options = parser.parse_args()
    _log_only_warnings()
    if not rendering.assets_are_built():  # fail before the long filling
        raise rendering.AssetsNotBuilt
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = options.keep or Path(folder) / "bench.db"
        is_filled = file.exists()
        url = f"sqlite:///{file}"
        migrate(database.bind(url))
        if not is_filled:
            started = time.perf_counter()
            fill(options.transactions, options.people)
            _print_progress(f"filled in {time.perf_counter() - started:.0f} s\n")
        with SessionLocal() as db:
            rows = db.scalar(select(func.count()).select_from(PotTransaction))
        print(f"{rows} transactions in the book")
        cookie = operator_cookie()
        with serving(url, settings=WITHOUT_WORKER | {"IMATCH_LOG_LEVEL": "warning"}) as server:
            print("nothing moves:")
            measure(server.base_url, cookie, options.requests, moving=False)
            print("a movement before every request:")
            measure(server.base_url, cookie, options.requests, moving=True)


if __name__ == "__main__":
    main()
