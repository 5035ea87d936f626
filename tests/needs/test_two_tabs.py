"""Two tabs of one browser answer different questions at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.events import listen
from imatch.facts.marketplace import NeedCompleted
from imatch.needs import service
from imatch.needs.models import Need

ANSWERS: list[tuple[int, dict[str, object]]] = [
    (2, {"format": "remote"}),
    (3, {"urgency": "this_week"}),
    (4, {"risk": 2}),
    (6, {"values": ["patience"]}),
]


def test_neither_loses_the_others_answers(db: Session, new_session: Callable[[], Session]) -> None:
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
    held = db.scalars(select(Need)).one().answers["values"]
    given = {name: value for _page, values in ANSWERS for name, value in values.items()}
    assert held == {"needs_description": "Tax.", **given}


def test_a_double_press_completes_once(db: Session, new_session: Callable[[], Session]) -> None:
    need, _token = service.start_with(
        db, "financial_advisors", 1, {"needs_description": "Tax."}, {}
    )
    heard: list[int] = []
    listen(NeedCompleted, lambda _db, fact: heard.append(fact.seeker_id))

    def press(_: int) -> None:
        with new_session() as tab:
            service.complete(tab, tab.get_one(Need, need.id))

    with ThreadPoolExecutor(4) as presses:
        list(presses.map(press, range(4)))
    assert heard == [need.id]
