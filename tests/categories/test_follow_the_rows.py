"""Definitions are parsed once, and follow the rows: in a transaction, a process and beside it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import Engine, Executable, event, text, update
from sqlalchemy.orm import Session

from imatch.categories import in_force, queries, service
from imatch.categories.in_force import categories_in_force
from imatch.categories.models import Category
from imatch.core.database import atomic, make_engine
from tests.factories import Make

pytestmark = pytest.mark.both_databases

OPEN = text("UPDATE categories SET active = TRUE WHERE name = 'career_coaches'")
OPEN_ROWS = update(Category).where(Category.name == "career_coaches").values(active=True)
RENAME = text("UPDATE categories SET display_name = 'Mind people' WHERE name = 'therapists'")


def is_open(db: Session) -> bool:
    return queries.by_name(db, "career_coaches").active


class Undone(Exception):
    pass


@contextmanager
def undone(db: Session) -> Iterator[None]:
    """A transaction that is rolled back in the end."""
    with suppress(Undone), atomic(db):
        yield
        raise Undone


@pytest.fixture
def other_process(database_url: str) -> Iterator[Engine]:
    """Connections that tell this process nothing."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def statements(db: Session) -> Iterator[list[str]]:
    """What is asked of the database, as it is asked."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    engine = db.get_bind().engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def test_while_no_row_changes_it_is_one_object(db: Session) -> None:
    before = categories_in_force(db)
    with atomic(db):
        assert categories_in_force(db) is before
    assert categories_in_force(db) is before


@pytest.fixture
def _a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, the last look was a moment ago."""
    monkeypatch.setattr(in_force, "FOLLOW_EVERY_SECONDS", 600.0)


@pytest.mark.usefixtures("_a_moment_ago")
def test_reading_again_asks_the_database_nothing(db: Session, statements: list[str]) -> None:
    categories_in_force(db)
    statements.clear()
    for _ in range(3):
        queries.active_categories(db)
    assert statements == []


@pytest.mark.usefixtures("_a_moment_ago")
def test_other_commits_are_no_reason_to_look_again(
    db: Session, make: Make, statements: list[str]
) -> None:
    make.user()
    categories_in_force(db)
    make.user()
    statements.clear()
    categories_in_force(db)
    assert statements == []


def test_a_changed_category_leaves_the_others_as_they_are(db: Session) -> None:
    with atomic(db):
        db.execute(RENAME)
    before = categories_in_force(db).by_name
    service.activate(db, "career_coaches")
    after = categories_in_force(db).by_name
    assert after["therapists"].definition.display_name == "Mind people"
    assert all(after[name].definition is before[name].definition for name in before)


def test_a_transaction_sees_its_own_changes_and_nobody_else_does(
    db: Session, new_session: Callable[[], Session]
) -> None:
    assert not is_open(db)
    with undone(db):
        db.execute(OPEN)
        assert is_open(db)
        with new_session() as reader:
            assert not is_open(reader)
        db.execute(RENAME)
        assert queries.by_name(db, "therapists").definition.display_name == "Mind people"
    assert not is_open(db)
    assert queries.by_name(db, "therapists").definition.display_name == "Therapists"


def test_a_transaction_sees_what_was_not_flushed(db: Session) -> None:
    with atomic(db):
        assert service.activate(db, "career_coaches").active


@pytest.mark.parametrize("statement", [OPEN, OPEN_ROWS])
def test_a_commit_of_this_process_counts_at_once(
    db: Session, new_session: Callable[[], Session], statement: Executable
) -> None:
    assert not is_open(db)
    with new_session() as other:
        other.execute(statement)
        other.commit()
    assert is_open(db)


def test_a_commit_of_another_process_counts_within_a_second(
    db: Session, other_process: Engine
) -> None:
    assert not is_open(db)
    db.rollback()
    with other_process.begin() as connection:
        connection.execute(OPEN)
    deadline = time.perf_counter() + 1
    while not is_open(db):
        assert time.perf_counter() < deadline


def test_a_transaction_sees_at_once_what_another_process_committed(
    db: Session, other_process: Engine
) -> None:
    assert not is_open(db)
    db.rollback()
    with other_process.begin() as connection:
        connection.execute(OPEN)
    with atomic(db):
        assert is_open(db)
