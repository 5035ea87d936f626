"""A job belongs to the transaction that enqueues it."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.jobs import enqueue, job
from imatch.jobs.worker import run_until_idle
from tests.factories import Make
from tests.support.jobs import states

pytestmark = pytest.mark.both_databases

done: list[tuple[object, ...]] = []


@job("test_note")
def note(*args: object) -> None:
    done.append(args)


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    done.clear()


def test_a_committed_job_is_run_once_with_its_arguments(db: Session) -> None:
    with atomic(db):
        enqueue(db, note, 7, "seven", {"a": [1, None]})
    assert states() == {"ENQUEUED": 1}

    run_until_idle()
    run_until_idle()

    assert done == [(7, "seven", {"a": [1, None]})]
    assert states() == {"SUCCESS": 1}


def test_a_rollback_leaves_neither_row_nor_job(db: Session, make: Make) -> None:
    user = make.user(name="Before")

    def rename_and_fail() -> None:
        with atomic(db):
            user.name = "After"
            enqueue(db, note, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rename_and_fail()

    run_until_idle()

    assert done == []
    assert not states()
    assert db.scalars(select(User.name).where(User.id == user.id)).one() == "Before"


def test_of_several_jobs_with_one_key_one_runs(db: Session) -> None:
    with atomic(db):
        enqueue(db, note, 1, key="only")
        enqueue(db, note, 2, key="only")
    with atomic(db):
        enqueue(db, note, 3, key="only")
        enqueue(db, note, 4, key="other")

    run_until_idle()

    assert sorted(done) == [(1,), (4,)]


def test_arguments_that_are_not_json_are_refused(db: Session) -> None:
    with pytest.raises(TypeError, match="cannot be an argument"):
        enqueue(db, note, object())
    assert not states()
