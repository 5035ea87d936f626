"""Concurrent callers share commits, and each gets the same outcome as alone."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.database import atomic, make_engine
from imatch.ledger import (
    CASH,
    POT,
    AccountNotFound,
    Entry,
    HoldNotOpen,
    InsufficientFunds,
    Movement,
    Phase,
    SystemAccount,
    TransactionType,
    capture,
    post,
    post_many,
    release,
)
from imatch.ledger.models import PotAccount, PotTransaction
from tests.factories import Make
from tests.factories.movements import earn, spend

pytestmark = pytest.mark.both_databases

THREADS = 32
NewSession = Callable[[], Session]


def at_once(
    new_session: NewSession, callers: Sequence[Callable[[Session], object]]
) -> list[object]:
    """The outcome or error of each caller; each has its own thread and session."""
    start = threading.Barrier(len(callers))

    def run(call: Callable[[Session], object]) -> object:
        with new_session() as session:
            start.wait(timeout=30)
            try:
                return call(session)
            except Exception as error:  # noqa: BLE001 -- any error is a result here
                return error

    with ThreadPoolExecutor(len(callers)) as pool:
        return list(pool.map(run, callers, timeout=120))


def posting(*movements: Movement) -> Callable[[Session], object]:
    return lambda session: [post(session, POT, movement) for movement in movements]


def posted(outcomes: Sequence[object]) -> list[Entry]:
    """The entries of all callers; fails if one got anything else."""
    entries: list[Entry] = []
    for outcome in outcomes:
        assert isinstance(outcome, list), outcome
        entries += outcome
    return entries


def balance(db: Session, user_id: int) -> int:
    db.rollback()
    return db.scalars(select(PotAccount.balance).where(PotAccount.user_id == user_id)).one()


def row_count(db: Session) -> int:
    db.rollback()
    return db.scalar(select(func.count()).select_from(PotTransaction)) or 0


def people(make: Make, count: int) -> list[int]:
    ids = [make.user().id for _ in range(count)]
    make.db.rollback()
    return ids


def test_everything_that_many_threads_post_is_there_once(
    db: Session, make: Make, new_session: NewSession
) -> None:
    users = people(make, 5)
    callers = [
        posting(*(earn(users[(thread + turn) % 5], 3, f"{thread}-{turn}") for turn in range(10)))
        for thread in range(THREADS)
    ]
    entries = posted(at_once(new_session, callers))
    assert len({entry.id for entry in entries}) == row_count(db) == THREADS * 10
    assert not any(entry.replayed for entry in entries)
    assert sum(balance(db, user) for user in users) == THREADS * 10 * 3
    for user in users:
        of_user = sorted((entry.id, entry) for entry in entries if entry.user_id == user)
        assert [entry.balance_after for _, entry in of_user] == [
            3 * number for number in range(1, len(of_user) + 1)
        ]


def test_a_refusal_reaches_only_its_caller(
    db: Session, make: Make, new_session: NewSession
) -> None:
    users = people(make, THREADS)
    callers = []
    for thread, user in enumerate(users):
        movement = (
            earn(user, 5, f"{thread}"),
            spend(user, 5, f"{thread}"),
            earn(10**9 + thread, 5, f"{thread}"),
        )[thread % 3]
        callers.append(posting(movement))
    outcomes = at_once(new_session, callers)
    for thread, outcome in enumerate(outcomes):
        if thread % 3 == 0:
            assert posted([outcome])[0].balance_after == 5
        elif thread % 3 == 1:
            assert isinstance(outcome, InsufficientFunds)
            assert (outcome.required, outcome.available) == (5, 0)
        else:
            assert isinstance(outcome, AccountNotFound)
            assert f"User {10**9 + thread} not found" in str(outcome)
    assert row_count(db) == len(range(0, THREADS, 3))


def test_one_key_of_many_threads_moves_once(
    db: Session, make: Make, new_session: NewSession
) -> None:
    (user,) = people(make, 1)
    entries = posted(at_once(new_session, [posting(earn(user, 7, "same"))] * THREADS))
    assert sum(not entry.replayed for entry in entries) == 1
    assert len({entry.id for entry in entries}) == 1
    assert balance(db, user) == 7


def test_what_is_there_is_spent_once(db: Session, make: Make, new_session: NewSession) -> None:
    (user,) = people(make, 1)
    post(db, POT, earn(user, 305, "start"))
    outcomes = at_once(new_session, [posting(spend(user, 10, f"s{n}")) for n in range(50)])
    refused = [outcome for outcome in outcomes if isinstance(outcome, InsufficientFunds)]
    entries = posted([outcome for outcome in outcomes if outcome not in refused])
    assert (len(entries), len(refused)) == (30, 20)
    assert {refusal.available for refusal in refused} == {5}
    assert sorted(entry.balance_after or 0 for entry in entries) == list(range(5, 305, 10))
    assert balance(db, user) == 5


def test_an_error_of_the_database_reaches_only_its_caller(
    db: Session, make: Make, new_session: NewSession
) -> None:
    users = people(make, THREADS)
    callers = [
        posting(
            # Every eighth movement names an account that the POT book does not have.
            earn(
                user,
                5,
                f"{thread}",
                transaction_type=TransactionType.EARN if thread % 8 else TransactionType.PAYOUT,
            )
        )
        for thread, user in enumerate(users)
    ]
    for thread, outcome in enumerate(at_once(new_session, callers)):
        if thread % 8 == 0:
            assert isinstance(outcome, Exception)
            assert "transaction_type" in str(outcome)
        else:
            assert posted([outcome])[0].balance_after == 5
    assert row_count(db) == THREADS - THREADS // 8


def test_nobody_waits_for_a_leader_that_cannot_write(tmp_path: Path) -> None:
    nowhere = make_engine(f"sqlite:///{tmp_path}/no_such_folder/i_match.db")
    callers = [posting(earn(1, 5, f"{thread}")) for thread in range(8)]
    outcomes = at_once(lambda: Session(nowhere), callers)
    assert [type(outcome) for outcome in outcomes] == [OperationalError] * 8
    nowhere.dispose()


def test_both_books_go_together(db: Session, make: Make, new_session: NewSession) -> None:
    (user,) = people(make, 1)
    commission = Movement(
        key="c",
        system_account=SystemAccount.COMMISSION_RECEIVED,
        counter_account=SystemAccount.PAYERS,
        amount=500,
        transaction_type=TransactionType.COMMISSION,
        category="commission",
    )
    callers: list[Callable[[Session], object]] = [
        posting(earn(user, 5, f"{thread}")) for thread in range(8)
    ]
    callers += [lambda session: [post(session, CASH, commission)]] * 8
    entries = posted(at_once(new_session, callers))
    assert sum(not entry.replayed for entry in entries) == 9
    assert balance(db, user) == 40


def test_joined_and_grouped_movements_mix(db: Session, make: Make, new_session: NewSession) -> None:
    users = people(make, 3)

    def joined(thread: int) -> Callable[[Session], object]:
        def call(session: Session) -> list[Entry]:
            with atomic(session):
                return [post(session, POT, earn(user, 1, f"j{thread}-{user}")) for user in users]

        return call

    callers = [
        joined(thread)
        if thread % 2
        else posting(*(earn(user, 1, f"g{thread}-{user}") for user in reversed(users)))
        for thread in range(THREADS)
    ]
    entries = posted(at_once(new_session, callers))
    assert len({entry.id for entry in entries}) == row_count(db) == THREADS * 3
    assert [balance(db, user) for user in users] == [THREADS] * 3


def test_inside_atomic_a_movement_is_undone_with_the_rest(db: Session, make: Make) -> None:
    (user,) = people(make, 1)

    def fail_after_posting() -> None:
        with atomic(db):
            post(db, POT, earn(user, 5, "a"))
            raise LookupError

    with pytest.raises(LookupError):
        fail_after_posting()
    assert row_count(db) == 0
    assert not post(db, POT, earn(user, 5, "a")).replayed


def test_pending_changes_are_committed_with_the_movement(
    db: Session, make: Make, new_session: NewSession
) -> None:
    (user,) = people(make, 1)
    db.add(User(email="new@example.org", name="New", account_type="seeker"))
    post(db, POT, earn(user, 5, "a"))
    with new_session() as other:
        assert other.scalar(select(User.name).where(User.email == "new@example.org")) == "New"
        assert balance(other, user) == 5


def test_what_a_session_has_loaded_is_read_afresh(
    db: Session, make: Make, new_session: NewSession
) -> None:
    (user,) = people(make, 1)
    post(db, POT, earn(user, 5, "a"))
    account = db.get_one(PotAccount, user)
    assert account.balance == 5
    db.rollback()
    with new_session() as other:
        post(other, POT, earn(user, 10, "b"))
    post(db, POT, earn(user, 20, "c"))
    assert account.balance == 35
    assert (
        not db.in_transaction() or db.scalar(select(func.count()).select_from(PotTransaction)) == 3
    )


def test_a_reading_transaction_sees_its_own_movement(db: Session, make: Make) -> None:
    user = make.user()
    assert db.in_transaction() or db.scalar(select(func.count()).select_from(User)) == 1
    assert db.in_transaction()
    assert post(db, POT, earn(user.id, 5, "a")).balance_after == 5
    assert balance(db, user.id) == 5


def test_a_thread_that_writes_cannot_wait_for_itself(sqlite_url: str, tmp_path: Path) -> None:
    engine = make_engine(sqlite_url)
    with Session(engine) as db, Session(engine) as other:
        user = Make(db).user().id
        with atomic(db):
            post(db, POT, earn(user, 5, "a"))
            with pytest.raises(RuntimeError, match="through another session"):
                post(other, POT, earn(user, 5, "b"))
            with pytest.raises(RuntimeError, match="through another session"):
                post_many(other, POT, [earn(user, 5, "b")])
        assert post(other, POT, earn(user, 5, "b")).balance_after == 10
    engine.dispose()


def test_an_engine_posts_again_after_it_was_disposed_of(
    db: Session, make: Make, new_session: NewSession
) -> None:
    (user,) = people(make, 1)
    with new_session() as other:
        post(other, POT, earn(user, 5, "a"))
        other.get_bind().engine.dispose()
        assert post(other, POT, earn(user, 5, "b")).balance_after == 10


def test_a_hold_is_resolved_once(db: Session, make: Make, new_session: NewSession) -> None:
    (user,) = people(make, 1)
    post(db, POT, earn(user, 100, "start"))
    held = post(
        db,
        POT,
        Movement(
            key="hold",
            user_id=user,
            amount=-60,
            counter_account=SystemAccount.BURNED,
            transaction_type=TransactionType.HOLD,
            category="workshop",
            phase=Phase.HOLD,
        ),
    )

    def settling(number: int) -> Callable[[Session], object]:
        if number % 2:
            return lambda session: [release(session, POT, held.id, key=f"r{number}")]
        return lambda session: [
            capture(session, POT, held.id, key=f"c{number}", transaction_type=TransactionType.SPEND)
        ]

    outcomes = at_once(new_session, [settling(number) for number in range(16)])
    refused = [outcome for outcome in outcomes if isinstance(outcome, HoldNotOpen)]
    (entry,) = posted([outcome for outcome in outcomes if outcome not in refused])
    assert len(refused) == 15
    assert balance(db, user) == (40 if entry.amount < 0 else 100)
    assert row_count(db) == 3
