"""Pause, resume, capacity and slug of a profile."""

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
from tests.factories import Make

pytestmark = pytest.mark.both_databases

PROFILE_PATH = "/pro/profile/financial_advisors"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def provider(make: Make) -> Provider:
    return make.provider(slug="ada")


@pytest.fixture
def owner(sign_in: Callable[[User], TestClient], db: Session, provider: Provider) -> TestClient:
    return sign_in(db.get_one(User, provider.user_id))


def _reloaded(db: Session, provider: Provider) -> Provider:
    with atomic(db):
        db.refresh(provider)
    return provider


def test_pause_until_further_notice_and_resume(
    owner: TestClient, db: Session, provider: Provider
) -> None:
    owner.post(f"{PROFILE_PATH}/pause")
    assert not _reloaded(db, provider).accepting_new
    assert "Takes nobody new now" in owner.get("/p/ada").text
    owner.post(f"{PROFILE_PATH}/resume")
    assert _reloaded(db, provider).accepting_new
    assert "Takes new people" in owner.get("/p/ada").text


def test_a_pause_with_an_end_expires(owner: TestClient, db: Session, provider: Provider) -> None:
    with time_machine.travel(NOON, tick=False):
        owner.post(f"{PROFILE_PATH}/pause", data={"until": "2026-12-01"})
        _reloaded(db, provider)
        assert not rules.takes_new(provider, NOON)
        assert rules.takes_new(provider, datetime(2026, 12, 1, tzinfo=UTC))
        assert "Paused until 1 Dec 2026" in owner.get(PROFILE_PATH).text
        assert "Not before 1 Dec 2026" in owner.get("/p/ada").text


@pytest.mark.parametrize("until", ["2020-01-01", "2099-01-01", "soon", "0000-00-00", "\x00"])
def test_an_invalid_day_is_refused(
    owner: TestClient, db: Session, provider: Provider, until: str
) -> None:
    answer = owner.post(f"{PROFILE_PATH}/pause", data={"until": until})
    assert answer.status_code == 422
    assert 'href="#until"' in answer.text
    assert _reloaded(db, provider).accepting_new


def test_capacity_is_part_of_the_profile(
    owner: TestClient, db: Session, provider: Provider
) -> None:
    owner.post(f"{PROFILE_PATH}/capacity", data={"capacity": " 7 "})
    assert (_reloaded(db, provider).capacity, provider.profile["capacity"]) == (7, 7)


@pytest.mark.parametrize("capacity", ["0", "-1", "501", "many", "", "9" * 20, "²"])
def test_an_invalid_capacity_is_refused(
    owner: TestClient, db: Session, provider: Provider, capacity: str
) -> None:
    answer = owner.post(f"{PROFILE_PATH}/capacity", data={"capacity": capacity})
    assert answer.status_code == 422
    assert 'href="#capacity"' in answer.text
    assert _reloaded(db, provider).capacity == 4


def test_choose_a_slug(owner: TestClient, db: Session, provider: Provider) -> None:
    owner.post(f"{PROFILE_PATH}/address", data={"slug": "Zoë Planner"})
    assert _reloaded(db, provider).slug == "zoe-planner"
    assert owner.get("/p/zoe-planner").status_code == 200
    assert owner.get("/p/ada").status_code == 404


def test_a_taken_or_empty_slug_is_refused(
    owner: TestClient, db: Session, provider: Provider, make: Make
) -> None:
    make.provider(slug="taken")
    for slug in ("Taken", "..", "a"):
        answer = owner.post(f"{PROFILE_PATH}/address", data={"slug": slug})
        assert answer.status_code == 422
        assert 'href="#slug"' in answer.text
    assert _reloaded(db, provider).slug == "ada"


def test_equal_names_get_different_slugs(make: Make, db: Session) -> None:
    slugs: list[str] = []
    for _ in range(3):
        draft = make.provider(
            status=ProviderStatus.DRAFT, slug=f"draft-{len(slugs)}", profile={"display_name": "李"}
        )
        slugs.append(service.submit(db, draft).slug)
    assert slugs == ["李-financial-advisor", "李-financial-advisor-2", "李-financial-advisor-3"]
