"""A fork server whose writers move POT at full speed until they are killed.

It imports everything once and forks a writer for each line "URL ROUND" on its standard input, so
that hundreds of kills take seconds. Its standard output is "pid N", then "KEY ID AMOUNT" for each
acknowledged movement, and "gone" when the writer is dead.
"""

import itertools
import os
import random
import sys
import threading

from sqlalchemy import select

from imatch.accounts.models import User
from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from imatch.ledger import (
    POT,
    InsufficientFunds,
    Movement,
    Phase,
    SystemAccount,
    TransactionType,
    capture,
    post,
)
from imatch.pot.errors import InsufficientPot
from imatch.pot.service import POTService

THREADS = 8
STDOUT = 1


def main() -> None:
    for line in sys.stdin:
        url, number = line.split()
        child = os.fork()
        if child == 0:
            write(url, int(number))
        write_line(f"pid {child}")
        os.waitpid(child, 0)
        write_line("gone")


def write_line(text: str) -> None:
    """Write a line in one atomic system call, so that lines of threads do not mix."""
    os.write(STDOUT, f"{text}\n".encode())


def write(url: str, number: int) -> None:
    """Move POT in threads. Never returns: the process is killed."""
    database.bind(url)
    with SessionLocal() as db:
        people = list(db.scalars(select(User.id).order_by(User.id)))
    for thread in range(THREADS):
        name = f"{number}.{thread}"
        threading.Thread(target=_move_pot, args=(name, people), daemon=True).start()
    threading.Event().wait()


def _move_pot(name: str, people: list[int]) -> None:
    rng = random.Random(name)
    with SessionLocal() as db:
        pot = POTService(db)
        for count in itertools.count():
            user_id, key = rng.choice(people), f"kill:{name}.{count}"
            action = rng.randrange(4)
            try:
                if action < 2:
                    transaction = pot.award_pot(user_id, "community_help", 1 + count % 25, key=key)
                    write_line(f"{key} {transaction['transaction_id']} {transaction['amount']}")
                elif action == 2:
                    transaction = pot.spend_pot(user_id, "workshop", 1 + count % 20, key=key)
                    write_line(f"{key} {transaction['transaction_id']} {transaction['amount']}")
                else:
                    _hold_and_capture(user_id, key, 1 + count % 10)
            except (InsufficientPot, InsufficientFunds):
                continue


def _hold_and_capture(user_id: int, key: str, amount: int) -> None:
    """A hold and its capture in one transaction, acknowledged together."""
    movement = Movement(
        key=key,
        user_id=user_id,
        amount=-amount,
        counter_account=SystemAccount.BURNED,
        transaction_type=TransactionType.HOLD,
        category="workshop",
        phase=Phase.HOLD,
    )
    with SessionLocal() as db:
        with atomic(db):
            hold = post(db, POT, movement)
            captured = capture(
                db, POT, hold.id, key=f"{key}.paid", transaction_type=TransactionType.SPEND
            )
        write_line(f"{key} {hold.id} {hold.amount}")
        write_line(f"{key}.paid {captured.id} {captured.amount}")


if __name__ == "__main__":
    main()
