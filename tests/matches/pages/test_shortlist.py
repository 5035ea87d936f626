"""The matches page: who fits, why, what is worth knowing, and what happens when nobody does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.categories import service as categories
from imatch.categories.catalog import definition
from imatch.core.clock import now
from imatch.core.database import SessionLocal, atomic
from imatch.matches import queries, service
from imatch.matches.models import Match, MatchStatus, Shortlist
from imatch.needs import service as seekers
from imatch.needs.models import Need, NeedStatus
from imatch.providers.models import Provider, ProviderStatus
from tests.factories import Make
from tests.factories.needs import ADVISOR_NEED
from tests.factories.providers import ADVISORS
from tests.matches.browsing import Browse, look


def count(db: Session, table: type[Shortlist] | type[Match]) -> int:
    db.rollback()
    return db.scalar(select(func.count()).select_from(table)) or 0


def test_three_people_with_reasons_a_drawback_and_prices(
    make: Make, browse: Browse, three: list[str]
) -> None:
    _need, token = make.need_and_token()
    page = look(browse(token))
    assert page.status_code == 200
    assert "Three people fit" in page.text
    assert all(name in page.text for name in three)
    assert page.text.count("Worth knowing.") == 3
    assert page.text.count("$200 to $250 a session") >= 3
    assert "Out of 3 financial advisors, 3 met every rule" in page.text
    assert definition(ADVISORS).disclosures[1].partition(";")[0] in page.text
    assert page.headers["cache-control"] == "no-store"


def test_the_must_haves_are_named(make: Make, browse: Browse, three: list[str]) -> None:
    make.provider(profile={"display_name": "Paid Otherwise", "compensation": "commission"})
    _need, token = make.need_and_token(
        importance={"fee_only_required": "must"}, fee_only_required=True
    )
    page = look(browse(token))
    assert "Out of 4 financial advisors, 3 met your" in page.text
    assert ">Fee-only</strong>" in page.text
    assert "Paid Otherwise" not in page.text


def test_what_nobody_measured_is_left_out(make: Make, browse: Browse, three: list[str]) -> None:
    _need, token = make.need_and_token()
    page = look(browse(token))
    assert "Replies in" not in page.text
    assert "Rated" not in page.text
    assert "certificant checked" not in page.text
    assert "New here" not in page.text


def test_what_was_measured_and_checked_is_shown(make: Make, browse: Browse) -> None:
    make.provider(
        rating_sum=47,
        rating_count=10,
        completed_count=12,
        response_minutes=130,
        verified_credentials=["CFP"],
        verified_on={"CFP": "2026-11-03"},
        profile={"credentials": [{"type": "CFP"}]},
    )
    _need, token = make.need_and_token()
    page = look(browse(token))
    assert "Rated 4.7 of 5 from 10 ratings" in page.text
    assert "Replies in about 2 hours" in page.text
    assert "CFP certificant checked 3 Nov 2026" in page.text
    assert "One person fits" in page.text


def test_an_expired_credential_is_no_longer_called_checked(make: Make, browse: Browse) -> None:
    expired = {"type": "CFP", "expires": "2020-01-31"}
    make.provider(verified_credentials=["CFP"], profile={"credentials": [expired]})
    _need, token = make.need_and_token()
    assert "CFP certificant checked" not in look(browse(token)).text


def test_a_reload_shows_the_same_people(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    first = look(browser).text
    make.provider(profile={"display_name": "Later Better", "years_experience": 30})
    assert browser.get("/matches").text == first
    assert count(db, Shortlist) == 1
    assert count(db, Match) == 3


def test_changed_answers_give_a_new_list(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    seekers.answer(db, need, 3, {"urgency": "this_week"}, {})
    redirect = browser.get("/matches", follow_redirects=False)
    assert redirect.headers["location"] == f"/find/{ADVISORS}/check"
    seekers.complete(db, need)
    assert look(browser).status_code == 200
    assert count(db, Shortlist) == 2


def status_of(db: Session, need: Need) -> str:
    db.rollback()
    return db.scalars(select(Need.status).where(Need.id == need.id)).one()


def test_while_nobody_can_be_ranked_the_need_stays_a_draft(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    need, token = make.need_and_token()
    seekers.answer(db, need, 3, {"urgency": "this_week"}, {})
    with atomic(db):
        db.execute(text("ALTER TABLE providers RENAME COLUMN shown_count TO out_of_order"))
    browser = browse(token)
    assert look(browser).status_code == 503
    with atomic(db):
        db.execute(text("ALTER TABLE providers RENAME COLUMN out_of_order TO shown_count"))
    assert status_of(db, need) == NeedStatus.DRAFT
    assert count(db, Shortlist) == 0
    assert "Three people fit" in look(browser).text
    assert status_of(db, need) == NeedStatus.COMPLETE


def test_answers_that_are_back_as_they_were_bring_the_same_list(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    need, token = make.need_and_token()
    browser = browse(token)
    before = look(browser).text
    seekers.answer(db, need, 3, {"urgency": "this_week"}, {})
    seekers.answer(db, need, 3, {"budget": ADVISOR_NEED["budget"]}, {})
    assert status_of(db, need) == NeedStatus.DRAFT
    assert look(browser).text == before
    assert count(db, Shortlist) == 1
    assert status_of(db, need) == NeedStatus.COMPLETE


@pytest.mark.both_databases
def test_two_requests_at_once_give_one_list(make: Make, three: list[str], db: Session) -> None:
    need = make.need()
    need_id = need.id
    db.rollback()

    def suggest(_: int) -> int:
        with SessionLocal() as own:
            return service.suggest(own, own.get_one(Need, need_id)).id

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(suggest, range(8)))
    assert len(found) == 1
    assert count(db, Shortlist) == 1
    assert count(db, Match) == 3
    assert db.scalars(select(Provider.shown_count)).all() == [1, 1, 1]


def test_looking_marks_the_people_as_viewed(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    need, token = make.need_and_token()
    service.suggest(db, need)
    assert set(db.scalars(select(Match.status))) == {MatchStatus.SUGGESTED}
    look(browse(token))
    db.rollback()
    assert set(db.scalars(select(Match.status))) == {MatchStatus.VIEWED}
    assert count(db, Match) == 3


def test_people_are_viewed_as_soon_as_they_are_found(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    look(browse(token))
    assert set(db.scalars(select(Match.status))) == {MatchStatus.VIEWED}


def test_opening_the_page_writes_nothing(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    need, token = make.need_and_token()
    service.suggest(db, need)
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN")):
            written.append(statement)

    engine = db.get_bind().engine
    event.listen(engine, "before_cursor_execute", note)
    assert "Three people fit" in browse(token).get("/matches").text
    event.remove(engine, "before_cursor_execute", note)
    assert written == []


def test_a_need_nobody_was_found_for_yet_opens_its_check_page(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    page = browser.get("/matches")
    assert page.url.path == f"/find/{ADVISORS}/check"
    assert count(db, Shortlist) == 0
    assert "Three people fit" in look(browser).text


def leave(db: Session, slug: str, how: str) -> None:
    provider = db.scalars(select(Provider).where(Provider.slug == slug)).one()
    with atomic(db):
        if how == "paused":
            provider.paused_until = now() + timedelta(days=7)
        elif how == "full":
            provider.accepting_new = False
        elif how == "refused":
            provider.status = ProviderStatus.REJECTED
        elif how == "closed":
            db.get_one(User, provider.user_id).active = False
        else:
            db.delete(provider)


@pytest.mark.parametrize("how", ["paused", "full", "refused", "closed", "erased"])
def test_who_left_since_is_not_shown_and_somebody_takes_the_place(
    make: Make, browse: Browse, three: list[str], db: Session, how: str
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    make.provider(profile={"display_name": "Dora Example", "specialties": ["debt"]})
    leave(db, "ada", how)
    page = browser.get("/matches").text
    assert "Two people fit" in page
    assert "1 person on your list takes nobody new now" in page
    assert "Ada Example" not in page
    assert "Dora Example" not in page
    assert ">Look again</button>" in page
    again = look(browser).text
    assert "Three people fit" in again
    assert "takes nobody new now" not in again
    assert "Ada Example" not in again
    assert all(name in again for name in ("Ben Example", "Cora Example", "Dora Example"))
    assert browser.get("/matches").text == again
    assert count(db, Shortlist) == 2


def test_when_nobody_comes_after_who_left_the_others_stay(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    leave(db, "ada", "paused")
    assert "Two people fit" in look(browser).text
    assert "takes nobody new now" not in look(browser).text
    assert count(db, Shortlist) == 2, "the third look found the second's list"


def test_when_everybody_left_the_page_says_so(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    for slug in ("ada", "ben", "cora"):
        leave(db, slug, "full")
    page = browser.get("/matches").text
    assert "Nobody on your list takes new people now" in page
    assert "3 people on your list take nobody new now" in page
    assert "Nobody is here yet" in look(browser).text


def test_who_comes_back_is_shown_again(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    before = look(browser).text
    leave(db, "ada", "full")
    assert "Ada Example" not in browser.get("/matches").text
    with atomic(db):
        db.scalars(select(Provider).where(Provider.slug == "ada")).one().accepting_new = True
    assert browser.get("/matches").text == before


def test_in_a_closed_category_nobody_looks_again(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    look(browser)
    leave(db, "ada", "paused")
    categories.deactivate(db, ADVISORS)
    page = browser.get("/matches").text
    assert "Two people fit" in page
    assert "Look again" not in page


@pytest.mark.both_databases
def test_two_who_look_again_at_once_make_one_list(
    make: Make, three: list[str], db: Session
) -> None:
    need = make.need()
    service.suggest(db, need)
    leave(db, "ada", "full")
    make.provider()
    need_id = need.id
    db.rollback()

    def suggest(_: int) -> int:
        with SessionLocal() as own:
            return service.suggest(own, own.get_one(Need, need_id)).id

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(suggest, range(8)))
    assert len(found) == 1
    assert count(db, Shortlist) == 2


def test_without_a_need_the_page_says_so(client: TestClient) -> None:
    page = client.get("/matches")
    assert page.status_code == 404
    assert "No matches yet" in page.text
    page = client.post("/matches/relax", data={"rule": "budget"}, follow_redirects=False)
    assert page.headers["location"] == "/matches"


def test_nobody_left_names_the_rule_and_gives_it_up_in_one_tap(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    tight = {"min_cents": None, "max_cents": 100, "unit": "session"}
    _need, token = make.need_and_token(importance={"budget": "must"}, budget=tight)
    browser = browse(token)
    page = look(browser)
    assert "Nobody fits every rule yet" in page.text
    assert "“Within your budget” removed most, 3 of\n    3" in page.text
    assert "Give this up: 3 would meet the rest" in page.text
    found = browser.post("/matches/relax", data={"rule": "budget"})
    assert found.url.path == "/matches"
    assert "Three people fit" in found.text


def test_a_legal_rule_cannot_be_given_up(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    place = {"country": "US", "region": "TX", "city": "Austin"}
    need, token = make.need_and_token(place=place)
    browser = browse(token)
    page = look(browser)
    assert "Registered in your state" in page.text
    assert "Give this up" not in page.text
    refused = browser.post("/matches/relax", data={"rule": "registered_in_state"})
    assert refused.status_code == 422
    db.refresh(need)
    assert need.answers["importance"] == {}


def test_an_empty_category_says_that_nobody_is_there(make: Make, browse: Browse) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    page = look(browser)
    assert "Nobody is here yet" in page.text
    assert "No financial advisor takes new people" in page.text


def test_an_empty_list_fills_when_somebody_comes(make: Make, browse: Browse, db: Session) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    assert ">Look again</button>" in look(browser).text
    make.provider()
    assert "Ada Example" in look(browser).text
    assert "Ada Example" in browser.get("/matches").text
    assert count(db, Shortlist) == 1


def test_words_of_a_profile_cannot_become_markup(make: Make, browse: Browse) -> None:
    evil = "<script>alert(1)</script>"
    make.provider(profile={"display_name": evil, "headline": "<img src=x>", "bio": evil})
    _need, token = make.need_and_token()
    browser = browse(token)
    page = look(browser)
    assert evil not in page.text
    assert "<img src=x>" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_answers_and_the_shown_are_stored_unreadable(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    need, token = make.need_and_token()
    look(browse(token))
    stored = db.connection().exec_driver_sql("SELECT explanation FROM matches").scalars().all()
    assert len(stored) == 3
    assert all("retirement" not in text.lower() for text in stored)
    again = queries.matches_of(db, db.scalars(select(Shortlist.id)).one())
    assert [match.seeker_id for match in again] == [need.id] * 3


def test_a_closed_category_suggests_nobody(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    categories.deactivate(db, ADVISORS)
    assert browse(token).get("/matches").status_code == 409


def test_people_shown_before_stay_when_the_category_closes(
    make: Make, browse: Browse, three: list[str], db: Session
) -> None:
    _need, token = make.need_and_token()
    assert look(browse(token)).status_code == 200
    categories.deactivate(db, ADVISORS)
    kept = browse(token).get("/matches")
    assert kept.status_code == 200
    assert all(name in kept.text for name in three)
