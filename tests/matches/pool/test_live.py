"""The live pools reflect any change of the database within a second, without a restart."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from imatch.accounts.models import User
from imatch.categories import queries as categories
from imatch.categories.models import Category
from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic, make_engine
from imatch.matches import queries, service
from imatch.matches.pool import live as live_pools
from imatch.matches.pool.exposure import MAX_PRICE, Exposure
from imatch.matches.pool.live import MatchingUnavailable, live_pool
from imatch.providers.models import Provider, ProviderStatus
from tests.factories import Make
from tests.factories.providers import ADVISORS
from tests.matches.browsing import Browse, eventually, look

pytestmark = pytest.mark.both_databases

LONG_AGO = timedelta(days=30)


def people_left() -> int:
    with SessionLocal() as session:
        return service.people_left(session, ADVISORS, {}, {}).count


def count_becomes(count: int) -> bool:
    return eventually(lambda: people_left() == count)


def test_a_new_profile_is_counted_within_a_second(make: Make) -> None:
    assert people_left() == 0
    make.provider()
    assert count_becomes(1)


def test_only_approved_accepting_providers_of_active_accounts_count(make: Make) -> None:
    make.provider(status=ProviderStatus.PENDING)
    make.provider(status=ProviderStatus.DRAFT)
    make.provider(accepting_new=False)
    make.provider(paused_until=now() + timedelta(days=1))
    make.provider(user=make.user(active=False))
    make.provider()
    assert people_left() == 1


def test_changes_by_another_process_are_loaded(make: Make, database_url: str, db: Session) -> None:
    provider = make.provider()
    pending = make.provider(status=ProviderStatus.PENDING)
    assert people_left() == 1
    other_engine = make_engine(database_url)
    other_sessions = sessionmaker(other_engine)
    with other_sessions() as session, atomic(session):
        session.get_one(Provider, pending.id).status = ProviderStatus.APPROVED
    assert count_becomes(2)
    with other_sessions() as session, atomic(session):
        session.get_one(Provider, provider.id).accepting_new = False
    assert count_becomes(1)
    other_engine.dispose()


def test_a_paused_provider_is_not_suggested_again(
    make: Make, browse: Browse, three: list[str], new_session: Callable[[], Session]
) -> None:
    _first, first_token = make.need_and_token()
    first = browse(first_token)
    assert "Ada Example" in look(first).text
    with new_session() as session, atomic(session):
        ada = session.scalars(select(Provider).where(Provider.slug == "ada")).one()
        ada.accepting_new = False
    _second, second_token = make.need_and_token(urgency="flexible")
    page = look(browse(second_token))
    assert "Two people fit" in page.text
    assert "Ada Example" not in page.text
    assert "Ada Example" not in first.get("/matches").text


def test_a_changed_profile_changes_the_count(make: Make, db: Session) -> None:
    provider = make.provider(profile={"compensation": "commission"})
    wish, must = {"fee_only_required": True}, {"fee_only_required": "must"}

    def fee_only() -> int:
        with SessionLocal() as session:
            return service.people_left(session, ADVISORS, wish, must).count

    assert fee_only() == 0
    with atomic(db):
        provider.profile = {**provider.profile, "compensation": "fee_only"}
    assert eventually(lambda: fee_only() == 1)


def test_a_pause_ends_by_itself(make: Make) -> None:
    make.provider(paused_until=now() + timedelta(hours=1))
    assert people_left() == 0
    with time_machine.travel(now() + timedelta(hours=2)):
        assert count_becomes(1)


def test_a_closed_account_is_not_suggested(make: Make, db: Session) -> None:
    gone, there = make.provider(), make.provider()
    assert people_left() == 2
    with atomic(db):
        db.execute(update(User).where(User.id == gone.user_id).values(active=False))
    need = make.need()
    matches = queries.matches_of(db, service.suggest(db, need).id)
    assert [match.provider_id for match in matches] == [there.id]
    assert people_left() == 1


def test_an_erased_profile_is_not_suggested(make: Make, db: Session) -> None:
    gone, there = make.provider(), make.provider()
    assert people_left() == 2
    with atomic(db):
        db.execute(delete(Provider).where(Provider.id == gone.id))
    need = make.need()
    matches = queries.matches_of(db, service.suggest(db, need).id)
    assert [match.provider_id for match in matches] == [there.id]


def test_showing_a_provider_does_not_change_updated_at(make: Make, db: Session) -> None:
    provider = make.provider()
    changed_at = provider.updated_at
    need = make.need()
    service.suggest(db, need)
    db.refresh(provider)
    assert provider.shown_count == 1
    assert provider.updated_at == changed_at


def test_a_provider_shown_too_often_moves_down(make: Make, db: Session) -> None:
    shown, fresh = make.provider(), make.provider()
    with atomic(db):
        shown.shown_count = 4
    need = make.need()
    matches = queries.matches_of(db, service.suggest(db, need).id)
    assert [match.provider_id for match in matches] == [fresh.id, shown.id]
    prices = [service.why(match).order.price for match in matches]
    assert prices == pytest.approx([-0.02, 0.02])


def test_the_exposure_price_is_clipped() -> None:
    exposure = Exposure()
    exposure.put(1, shown=1_000, capacity=1)
    exposure.put(2, shown=0, capacity=3)
    assert exposure[1] == MAX_PRICE
    assert exposure[2] == -MAX_PRICE
    exposure.count(3)
    exposure.drop(1)
    assert exposure[2] == 0
    assert list(exposure) == [2]


def test_uncommitted_changes_are_not_loaded(make: Make, db: Session) -> None:
    provider = make.provider()
    assert people_left() == 1
    db.rollback()
    provider.accepting_new = False
    db.flush()
    assert service.people_left(db, ADVISORS, {}, {}).count == 1
    db.rollback()
    assert people_left() == 1


def test_new_weights_apply_at_once(make: Make, db: Session) -> None:
    make.provider()
    need = make.need()
    before = queries.matches_of(db, service.suggest(db, need).id)[0]
    with atomic(db):
        category = db.scalars(select(Category).where(Category.name == ADVISORS)).one()
        criteria = {name: dict(criterion) for name, criterion in category.matching_criteria.items()}
        criteria["expertise_match"]["weight"] = 20
        criteria["pricing_alignment"]["weight"] = 20
        category.matching_criteria = criteria
    other = make.need(urgency="flexible")
    after = queries.matches_of(db, service.suggest(db, other).id)[0]

    def weight(match: object) -> dict[str, int]:
        return {line.score.name: line.score.weight for line in service.why(match).lines}  # type: ignore[arg-type]

    assert weight(before)["pricing_alignment"] == 10
    assert weight(after)["pricing_alignment"] == 20


def test_other_pages_work_while_matching_is_unavailable(
    make: Make, browse: Browse, db: Session
) -> None:
    need, token = make.need_and_token()
    with atomic(db):
        db.execute(text("ALTER TABLE providers RENAME COLUMN shown_count TO out_of_order"))
    with pytest.raises(MatchingUnavailable):
        service.people_left(db, ADVISORS, {}, {})
    service.warm_up()  # logs the error and returns
    browser = browse(token)
    page = look(browser)
    answer = browser.post(f"/api/v1/needs/{need.id}/shortlists", headers={"X-Need-Token": token})
    assert answer.json()["code"] == "matching_unavailable"
    for refused in (page, answer):
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "10"
        assert "Matching is not available right now" in refused.text
    assert browser.get("/privacy").status_code == 200
    assert browser.get("/").status_code == 200
    with atomic(db):
        db.execute(text("ALTER TABLE providers RENAME COLUMN out_of_order TO shown_count"))
    assert look(browser).status_code == 200


def test_warm_up_loads_all_providers(make: Make) -> None:
    make.provider()
    service.warm_up()
    assert people_left() == 1


def test_a_loaded_pool_survives_a_failed_refresh(make: Make, db: Session) -> None:
    make.provider()
    assert people_left() == 1
    category = make.category()
    with atomic(db):
        db.execute(text("ALTER TABLE providers RENAME COLUMN updated_at TO out_of_order"))
    definition = categories.by_id(db, category.id).definition
    live = live_pool(db, category.id, definition, fresh=True)
    assert len(live.pool) == 1


def test_reconciliation_finds_changes_without_a_new_updated_at(
    make: Make, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_pools, "RECONCILE_INTERVAL_SECONDS", 0.0)
    gone, closed, approved_in_past = make.provider(), make.provider(), make.provider()
    with atomic(db):
        approved_in_past.status = ProviderStatus.PENDING
    assert people_left() == 2
    approved = update(Provider).where(Provider.id == approved_in_past.id)
    with atomic(db):
        db.execute(delete(Provider).where(Provider.id == gone.id))
        db.execute(update(User).where(User.id == closed.user_id).values(active=False))
        db.execute(approved.values(status=ProviderStatus.APPROVED, updated_at=now() - LONG_AGO))
    assert count_becomes(1)
    definition = categories.by_name(db, ADVISORS).definition
    live = live_pool(db, approved_in_past.category_id, definition)
    assert list(live.exposure) == [approved_in_past.id]
