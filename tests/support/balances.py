"""What the books say that somebody has, and what stands in them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.ledger import CASH, POT
from imatch.ledger.models import PotTransaction
from imatch.ledger.queries import account, free, people_totals, system_balances


def free_pot(db: Session, person: User) -> int:
    return free(db, POT, person.id)


def allowance_cents(db: Session, person: User) -> int:
    return free(db, CASH, person.id)


def free_and_held(db: Session, person: User) -> tuple[int, int]:
    """POT that somebody may spend, and POT that is held, as another session left them."""
    db.rollback()
    theirs = account(db, POT, person.id)
    return (theirs.balance - theirs.held, theirs.held) if theirs else (0, 0)


def cash_book(db: Session) -> dict[str, int]:
    """The system accounts of the cash book that are not empty, and all allowances, in cents."""
    filled = {name: cents for name, cents in system_balances(db, CASH).items() if cents}
    return {**filled, "people": people_totals(db, CASH)[0]}


def pot_rows(db: Session, user_id: int | None = None) -> list[PotTransaction]:
    """The rows of the POT book, or those of one person, the oldest first."""
    rows = select(PotTransaction).order_by(PotTransaction.id)
    if user_id is not None:
        rows = rows.where(PotTransaction.user_id == user_id)
    return list(db.scalars(rows))
