"""A therapist's safety question stops the ranking; a trainer's readiness question is a notice."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.categories.catalog import definition
from imatch.matches.models import Shortlist
from imatch.needs import rules, service
from imatch.needs.models import Need, NeedStatus
from tests.factories import Make

THERAPISTS = "/find/therapists"
TRAINERS = "/find/fitness_trainers"


@pytest.fixture
def therapists(make: Make) -> None:
    make.category("therapists")


@pytest.fixture
def trainers(make: Make) -> None:
    make.category("fitness_trainers")


def test_danger_shows_who_helps_and_ranks_nobody(
    client: TestClient, therapists: None, db: Session
) -> None:
    page = client.post(f"{THERAPISTS}/1", data={"safety": "yes"})
    assert page.url.path == f"{THERAPISTS}/stop"
    assert "988 Suicide and Crisis Lifeline" in page.text
    assert "Call 116 123" in page.text
    assert "left" not in client.post(f"{THERAPISTS}/1/count", data={"safety": "yes"}).text
    for path in ("2", "5", "check"):
        assert client.get(f"{THERAPISTS}/{path}").url.path == f"{THERAPISTS}/stop"
    client.post(f"{THERAPISTS}/2", data={"needs_description": "Please."})
    assert client.post(f"{THERAPISTS}/check").url.path == f"{THERAPISTS}/stop"
    client.get("/matches")
    db.rollback()
    assert db.scalars(select(Need.status)).one() == NeedStatus.DRAFT
    assert db.scalars(select(Need)).one().answers["values"] == {"safety": True}
    assert db.scalar(select(func.count()).select_from(Shortlist)) == 0


def test_the_service_refuses_to_complete_it_too(db: Session, therapists: None) -> None:
    need, _token = service.start(db, "therapists")
    service.answer(db, need, 1, {"safety": True}, {})
    service.answer(db, need, 2, {"needs_description": "Please."}, {})
    with pytest.raises(service.SafetyStop, match="988"):
        service.complete(db, need)
    assert need.status == NeedStatus.DRAFT


def test_who_mistapped_finds_the_way_back(client: TestClient, therapists: None) -> None:
    page = client.post(f"{THERAPISTS}/1", data={"safety": "yes"})
    assert f'href="{THERAPISTS}/1"' in page.text
    response = client.post(f"{THERAPISTS}/1", data={"safety": "no"}, follow_redirects=False)
    assert response.headers["location"] == f"{THERAPISTS}/2"
    assert client.get(f"{THERAPISTS}/stop").url.path == f"{THERAPISTS}/check"


def test_readiness_goes_on_and_stays_said(client: TestClient, trainers: None, db: Session) -> None:
    client.post(f"{TRAINERS}/1", data={"needs_description": "Climb stairs again."})
    ticked = next(iter(definition("fitness_trainers").vocabularies["readiness"]))
    response = client.post(f"{TRAINERS}/2", data={"readiness": ticked}, follow_redirects=False)
    assert response.headers["location"] == f"{TRAINERS}/3"
    assert "Ask your doctor before the first session" in client.get(f"{TRAINERS}/check").text
    values = db.scalars(select(Need)).one().answers["values"]
    [notice] = rules.notices(definition("fitness_trainers"), values)
    assert notice.field == "readiness"
    assert rules.safety_stop(definition("fitness_trainers"), values) is None
