"""`atomic`: one transaction that commits everything or nothing."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core import database
from imatch.core.database import SessionLocal, atomic
from tests.factories import Make

pytestmark = pytest.mark.both_databases


def _count(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(User)) or 0


def _user(email: str) -> User:
    return User(email=email, name="Sam Example", account_type="seeker")


def test_the_outermost_block_commits(db: Session, new_session: Callable[[], Session]) -> None:
    with atomic(db):
        with atomic(db):
            db.add(_user("one@example.org"))
        with new_session() as other:
            assert _count(other) == 0
    with new_session() as other:
        assert _count(other) == 1


def test_any_exception_rolls_everything_back(db: Session) -> None:
    def write_and_fail() -> None:
        with atomic(db):
            db.add(_user("one@example.org"))
            db.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert _count(db) == 0
    with atomic(db):
        db.add(_user("two@example.org"))
    assert _count(db) == 1


def test_pending_changes_become_part_of_the_transaction(
    db: Session, new_session: Callable[[], Session]
) -> None:
    db.add(_user("pending@example.org"))
    with atomic(db):
        pass
    with new_session() as other:
        assert _count(other) == 1


def test_objects_loaded_before_are_read_again(
    db: Session, new_session: Callable[[], Session], make: Make
) -> None:
    user = make.user(name="Before")
    assert user.name == "Before"
    with new_session() as other, atomic(other):
        other.execute(update(User).values(name="After"))
    with atomic(db):
        assert user.name == "After"


def test_a_read_transaction_can_become_a_write_transaction(
    db: Session, new_session: Callable[[], Session], make: Make
) -> None:
    make.user()
    assert _count(db) == 1
    with new_session() as other, atomic(other):
        other.add(_user("between@example.org"))
    with atomic(db):
        db.add(_user("after@example.org"))
    assert _count(db) == 3


def test_concurrent_writers_lose_no_update(
    db: Session, new_session: Callable[[], Session], make: Make
) -> None:
    user_id = make.user(name="0").id
    failures: list[BaseException] = []

    def add_ten() -> None:
        try:
            for _ in range(10):
                with new_session() as session, atomic(session):
                    user = session.get(User, user_id, with_for_update=True)
                    assert user is not None
                    user.name = str(int(user.name) + 1)
        except BaseException as error:  # noqa: BLE001 -- shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=add_ten) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with new_session() as session:
        assert session.scalar(select(User.name)) == "80"


def test_database_errors_contain_no_personal_data(sqlite_url: str) -> None:
    """Errors are logged, the parameters are not."""
    database.bind(sqlite_url)
    with SessionLocal() as db, pytest.raises(IntegrityError) as raised, atomic(db):
        db.add_all([_user("marker-7@example.org"), _user("marker-7@example.org")])
    assert "users.email" in str(raised.value)
    assert "arker" not in str(raised.value)


def test_sqlite_is_durable_and_enforces_foreign_keys(sqlite_url: str) -> None:
    engine = database.bind(sqlite_url)
    with engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
        }
    engine.dispose()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "wal_autocheckpoint": 0,
    }


def test_the_wal_is_checkpointed(sqlite_url: str) -> None:
    engine = database.bind(sqlite_url)
    log_file = Path(f"{engine.url.database}-wal")
    for number in range(1_100):
        with SessionLocal() as db, atomic(db):
            db.add(_user(f"{number}@example.org"))
    assert log_file.stat().st_size < 16_000_000
    engine.dispose()
