"""Post movements in the caller's transaction, or in a group with other callers' movements."""

from collections.abc import Mapping, Sequence

from psycopg.errors import UniqueViolation
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.core.ids import is_id
from imatch.ledger.books import Book, SystemAccount
from imatch.ledger.errors import HoldNotOpen, InsufficientFunds, LedgerError
from imatch.ledger.models import JournalRow, Phase, TransactionType
from imatch.ledger.movements import Entry, Movement
from imatch.ledger.posting.committer import committer
from imatch.ledger.posting.journal import Journal, Outcome


def post(db: Session, book: Book, movement: Movement) -> Entry:
    """Post one movement and return its entry. Idempotent by `movement.key`.

    Inside `atomic(db)` it joins the transaction. Outside, it is committed: in a group with other
    callers' movements if the session has no transaction or changes, else with the session's
    changes. Raises AccountNotFound, InsufficientFunds, KeyReused, HoldNotOpen or BadMovement;
    then nothing has moved.
    """
    outcome = _post_in_group(db, book, movement) or post_many(db, book, [movement])[0]
    if isinstance(outcome, InsufficientFunds) and outcome.available >= outcome.required:
        # A concurrent movement raised the balance after this one was refused.
        outcome = post_many(db, book, [movement])[0]
    if isinstance(outcome, LedgerError):
        raise outcome
    return outcome


def post_many(db: Session, book: Book, movements: Sequence[Movement]) -> list[Outcome]:
    """Post each allowed movement in one transaction; returns outcomes in the same order."""
    with atomic(db):
        return _post_in_transaction(db, book, movements)


def capture(
    db: Session,
    book: Book,
    hold_id: int,
    *,
    key: str,
    transaction_type: TransactionType,
    amount: int | None = None,
    description: str = "",
    details: Mapping[str, object] | None = None,
) -> Entry:
    """Capture a hold: move all of it, or `amount` (positive) of it, and release the rest.

    Raises HoldNotOpen, KeyReused or BadMovement.
    """
    with atomic(db):
        hold = _hold(db, book, hold_id)
        return post(
            db,
            book,
            Movement(
                key=key,
                user_id=hold.user_id,
                amount=hold.amount if amount is None else -amount,
                counter_account=SystemAccount(hold.counter_account),
                transaction_type=transaction_type,
                category=hold.category,
                phase=Phase.POST,
                hold_id=hold_id,
                description=description or hold.description,
                reference_type=hold.reference_type,
                reference_id=hold.reference_id,
                details=details,
            ),
        )


def release(db: Session, book: Book, hold_id: int, *, key: str, description: str = "") -> Entry:
    """Release a whole hold. Raises HoldNotOpen, KeyReused."""
    with atomic(db):
        hold = _hold(db, book, hold_id)
        return post(
            db,
            book,
            Movement(
                key=key,
                user_id=hold.user_id,
                amount=-hold.amount,
                counter_account=SystemAccount(hold.counter_account),
                transaction_type=TransactionType.RELEASE,
                category=hold.category,
                phase=Phase.VOID,
                hold_id=hold_id,
                description=description or hold.description,
                reference_type=hold.reference_type,
                reference_id=hold.reference_id,
            ),
        )


def _hold(db: Session, book: Book, hold_id: int) -> JournalRow:
    hold = db.get(book.journal, hold_id) if is_id(hold_id) else None
    if hold is None or hold.phase != Phase.HOLD:
        raise HoldNotOpen(f"There is no hold {hold_id}.")
    return hold


def _post_in_group(db: Session, book: Book, movement: Movement) -> Outcome | None:
    """Post in a group with other callers' movements; None if that is not possible."""
    if db.in_transaction() or db.new or db.dirty or db.deleted:
        return None
    engine = db.get_bind()
    if not isinstance(engine, Engine):
        return None
    outcome = committer(engine).post(engine, book, movement)
    if db.identity_map:
        db.expire_all()  # as `atomic` does: loaded balances may be outdated
    return outcome


def _post_in_transaction(db: Session, book: Book, movements: Sequence[Movement]) -> list[Outcome]:
    """Post in the caller's transaction, on its driver connection."""
    db.flush()
    connection = db.connection()
    driver = connection.connection.driver_connection
    dialect = connection.dialect.name
    journal = Journal(book, driver, dialect)
    if dialect == "sqlite":
        return journal.add(movements)
    try:
        with connection.begin_nested():
            return journal.add(movements)
    except UniqueViolation:
        # A concurrent transaction posted one of the keys and has committed.
        return journal.add(movements)
