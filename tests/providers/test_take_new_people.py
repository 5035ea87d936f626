"""Pause, resume, capacity and the address of the public page."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.providers import rules, service
from imatch.providers.models import Provider, ProviderStatus
from tests.make import Make

HERE = "/pro/profile/financial_advisors"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def provider(make: Make) -> Provider:
    return make.provider(slug="ada")


@pytest.fixture
def own(sign_in: Callable[[User], TestClient], db: Session, provider: Provider) -> TestClient:
    return sign_in(db.get_one(User, provider.user_id))


def _fresh(db: Session, provider: Provider) -> Provider:
    with atomic(db):
        db.refresh(provider)
    return provider


def test_pause_until_further_notice_and_resume(
    own: TestClient, db: Session, provider: Provider
) -> None:
    own.post(f"{HERE}/pause")
    assert not _fresh(db, provider).accepting_new
    assert "Takes nobody new now" in own.get("/p/ada").text
    own.post(f"{HERE}/resume")
    assert _fresh(db, provider).accepting_new
    assert "Takes new people" in own.get("/p/ada").text


def test_a_pause_with_an_end_ends_by_itself(
    own: TestClient, db: Session, provider: Provider
) -> None:
    with time_machine.travel(NOON, tick=False):
        own.post(f"{HERE}/pause", data={"until": "2026-12-01"})
        _fresh(db, provider)
        assert not rules.takes_new(provider, NOON)
        assert rules.takes_new(provider, datetime(2026, 12, 1, tzinfo=UTC))
        assert "Paused until 1 Dec 2026" in own.get(HERE).text
        assert "Not before 1 Dec 2026" in own.get("/p/ada").text


@pytest.mark.parametrize("until", ["2020-01-01", "2099-01-01", "soon", "0000-00-00", "\x00"])
def test_an_unusable_day_is_refused_and_kept(
    own: TestClient, db: Session, provider: Provider, until: str
) -> None:
    answer = own.post(f"{HERE}/pause", data={"until": until})
    assert answer.status_code == 422
    assert 'href="#until"' in answer.text
    assert _fresh(db, provider).accepting_new


def test_capacity_is_part_of_the_profile(own: TestClient, db: Session, provider: Provider) -> None:
    own.post(f"{HERE}/capacity", data={"capacity": " 7 "})
    assert (_fresh(db, provider).capacity, provider.profile["capacity"]) == (7, 7)


@pytest.mark.parametrize("capacity", ["0", "-1", "501", "many", "", "9" * 20, "²"])
def test_an_unusable_capacity_is_refused(
    own: TestClient, db: Session, provider: Provider, capacity: str
) -> None:
    answer = own.post(f"{HERE}/capacity", data={"capacity": capacity})
    assert answer.status_code == 422
    assert 'href="#capacity"' in answer.text
    assert _fresh(db, provider).capacity == 4


def test_the_address_can_be_chosen(own: TestClient, db: Session, provider: Provider) -> None:
    own.post(f"{HERE}/address", data={"slug": "Zoë Planner"})
    assert _fresh(db, provider).slug == "zoe-planner"
    assert own.get("/p/zoe-planner").status_code == 200
    assert own.get("/p/ada").status_code == 404


def test_a_taken_or_empty_address_is_refused(
    own: TestClient, db: Session, provider: Provider, make: Make
) -> None:
    make.provider(slug="taken")
    for wanted in ("Taken", "..", "a"):
        answer = own.post(f"{HERE}/address", data={"slug": wanted})
        assert answer.status_code == 422
        assert 'href="#slug"' in answer.text
    assert _fresh(db, provider).slug == "ada"


def test_addresses_of_people_with_one_name_differ(make: Make, db: Session) -> None:
    slugs: list[str] = []
    for _ in range(3):
        draft = make.provider(
            status=ProviderStatus.DRAFT, slug=f"draft-{len(slugs)}", profile={"display_name": "李"}
        )
        slugs.append(service.submit(db, draft).slug)
    assert slugs == ["李-financial-advisor", "李-financial-advisor-2", "李-financial-advisor-3"]
