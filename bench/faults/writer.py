"""A process that moves POT as fast as it can and says what was acknowledged, until it is killed.

Started once, it has everything imported and forks a writer for each line "URL ROUND" on its
standard input, so that hundreds of kills take seconds. It answers on its standard output:
"pid N", then "KEY ID AMOUNT" for each acknowledged movement, and "gone" when the writer is dead.
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
OUT = 1


def main() -> None:
    for line in sys.stdin:
        url, number = line.split()
        child = os.fork()
        if child == 0:
            write(url, int(number))
        say(f"pid {child}")
        os.waitpid(child, 0)
        say("gone")


def say(words: str) -> None:
    """One write of less than a pipe's atomic size: lines of several threads do not mix."""
    os.write(OUT, f"{words}\n".encode())


def write(url: str, number: int) -> None:
    """Never returns: it is killed."""
    database.bind(url)
    with SessionLocal() as db:
        people = list(db.scalars(select(User.id).order_by(User.id)))
    for thread in range(THREADS):
        name = f"{number}.{thread}"
        threading.Thread(target=_move, args=(name, people), daemon=True).start()
    threading.Event().wait()


def _move(name: str, people: list[int]) -> None:
    chance = random.Random(name)
    with SessionLocal() as db:
        pot = POTService(db)
        for count in itertools.count():
            user_id, key = chance.choice(people), f"kill:{name}.{count}"
            act = chance.randrange(4)
            try:
                if act < 2:
                    done = pot.award_pot(user_id, "community_help", 1 + count % 25, key=key)
                    say(f"{key} {done['transaction_id']} {done['amount']}")
                elif act == 2:
                    done = pot.spend_pot(user_id, "workshop", 1 + count % 20, key=key)
                    say(f"{key} {done['transaction_id']} {done['amount']}")
                else:
                    _hold_and_carry_out(user_id, key, 1 + count % 10)
            except (InsufficientPot, InsufficientFunds):
                continue


def _hold_and_carry_out(user_id: int, key: str, amount: int) -> None:
    """Two movements of one transaction: acknowledged together."""
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
            held = post(db, POT, movement)
            paid = capture(
                db, POT, held.id, key=f"{key}.paid", transaction_type=TransactionType.SPEND
            )
        say(f"{key} {held.id} {held.amount}")
        say(f"{key}.paid {paid.id} {paid.amount}")


if __name__ == "__main__":
    main()
