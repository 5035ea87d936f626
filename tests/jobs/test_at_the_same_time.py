"""Concurrent writers and a running worker share one database."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.orm import Session

from imatch.core.database import SessionLocal, atomic
from imatch.jobs import enqueue, job
from imatch.jobs.worker import run_until_idle, running_worker
from tests.support.jobs import states

pytestmark = pytest.mark.both_databases

_PEOPLE = 8
_ACTS = 10
done: Counter[int] = Counter()


@job("test_count")
def count(number: int) -> None:
    done[number] += 1


def _act(person: int) -> None:
    for act in range(_ACTS):
        with SessionLocal() as db, atomic(db):
            enqueue(db, count, person * _ACTS + act)


def test_every_job_runs_exactly_once_while_others_write(db: Session) -> None:
    done.clear()
    with running_worker(poll_seconds=0.01), ThreadPoolExecutor(_PEOPLE) as people:
        list(people.map(_act, range(_PEOPLE)))
    run_until_idle()
    assert done == Counter(range(_PEOPLE * _ACTS))
    assert states() == {"SUCCESS": _PEOPLE * _ACTS}
