"""Concurrent answers to one need from two tabs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.events import listen
from imatch.facts.marketplace import NeedCompleted
from imatch.needs import service
from imatch.needs.models import Need

pytestmark = pytest.mark.both_databases

ANSWERS: list[tuple[int, dict[str, object]]] = [
    (2, {"format": "remote"}),
    (3, {"urgency": "this_week"}),
    (4, {"risk": 2}),
    (6, {"values": ["patience"]}),
]


def test_concurrent_answers_are_all_kept(db: Session, new_session: Callable[[], Session]) -> None:
    need, _token = service.start_with(
        db, "financial_advisors", 1, {"needs_description": "Tax."}, {}
    )

    def answer(page: tuple[int, dict[str, object]]) -> None:
        with new_session() as tab:
            service.answer(tab, tab.get_one(Need, need.id), page[0], page[1], {})

    with ThreadPoolExecutor(len(ANSWERS)) as tabs:
        list(tabs.map(answer, ANSWERS))
    db.rollback()
    db.expire_all()
    stored = db.scalars(select(Need)).one().answers["values"]
    expected = {name: value for _page, values in ANSWERS for name, value in values.items()}
    assert stored == {"needs_description": "Tax.", **expected}


def test_concurrent_completions_announce_once(
    db: Session, new_session: Callable[[], Session]
) -> None:
    need, _token = service.start_with(
        db, "financial_advisors", 1, {"needs_description": "Tax."}, {}
    )
    need_ids: list[int] = []
    listen(NeedCompleted, lambda _db, fact: need_ids.append(fact.seeker_id))

    def complete(_: int) -> None:
        with new_session() as tab:
            service.complete(tab, tab.get_one(Need, need.id))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(complete, range(4)))
    assert need_ids == [need.id]
