"""Two or three of one's own matches side by side."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.matches import service
from imatch.matches.models import Match
from tests.factories import Make
from tests.matches.browsing import Browse


@pytest.fixture
def ids(make: Make, three: list[str], db: Session) -> list[int]:
    need, token = make.need_and_token()
    service.suggest(db, need)
    db.info["token"] = token
    return list(db.scalars(select(Match.id).order_by(Match.position)))


@pytest.mark.parametrize("chosen", [2, 3])
def test_the_chosen_stand_side_by_side(
    ids: list[int], browse: Browse, db: Session, three: list[str], chosen: int
) -> None:
    page = browse(db.info["token"]).get("/compare", params={"id": ids[:chosen]})
    assert page.status_code == 200
    assert sum(name in page.text for name in three) == chosen
    assert "Expertise" in page.text
    assert page.text.count("None yet") == chosen
    assert page.text.count("Not measured yet") == chosen
    assert page.text.count("No credential checked yet") == chosen


@pytest.mark.parametrize("pick", [slice(0, 0), slice(0, 1)])
def test_too_few_are_refused(ids: list[int], browse: Browse, db: Session, pick: slice) -> None:
    page = browse(db.info["token"]).get("/compare", params={"id": ids[pick]})
    assert page.status_code == 422
    assert "Choose two or three different people" in page.text


def test_the_same_twice_and_four_are_refused(ids: list[int], browse: Browse, db: Session) -> None:
    browser = browse(db.info["token"])
    assert browser.get("/compare", params={"id": [ids[0], ids[0]]}).status_code == 422
    assert browser.get("/compare", params={"id": [*ids, 999]}).status_code == 422


def test_others_matches_are_not_found(
    ids: list[int], make: Make, browse: Browse, db: Session
) -> None:
    other, other_token = make.need_and_token(urgency="flexible")
    service.suggest(db, other)
    theirs = db.scalars(select(Match.id).where(Match.seeker_id == other.id)).first()
    browser = browse(db.info["token"])
    assert browser.get("/compare", params={"id": [ids[0], theirs]}).status_code == 404
    assert browse(other_token).get("/compare", params={"id": ids[:2]}).status_code == 404


@pytest.mark.parametrize("bad", ["abc", "-1", "0", str(2**63), "1e3", "\x00"])
def test_ids_that_are_none_are_refused(
    ids: list[int], browse: Browse, db: Session, bad: str
) -> None:
    page = browse(db.info["token"]).get("/compare", params={"id": [ids[0], bad]})
    assert page.status_code == 422
