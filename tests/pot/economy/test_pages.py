"""The operators' economy page: its figures, files, live stream, and who may see them."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.clock import frozen
from imatch.ledger import POT
from imatch.ledger.sealing.seals import seal
from imatch.pot.economy import dashboard, view
from imatch.pot.policy import service as policy
from imatch.pot.service import POTService
from imatch.web import streams
from tests.make import Make

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)  # a Tuesday
SignIn = Callable[[User], TestClient]


@pytest.fixture
def person(db: Session, make: Make) -> User:
    """Two weeks: 100 POT earned in each, 40 spent in the second; the first one is sealed."""
    found = make.user(name="Nomen Privatum", email="private@example.org")
    pot = POTService(db)
    with frozen(NOON - timedelta(days=9)):
        policy.genesis(db)
        pot.award_pot(found.id, "provider_referral", amount=100)
        seal(db, POT)
    with frozen(NOON - timedelta(hours=3)):
        pot.award_pot(found.id, "seeker_rating", amount=100)
        pot.spend_pot(found.id, "re_match", amount=40)
    return found


@pytest.fixture
def stopped(person: User) -> Iterator[None]:
    with frozen(NOON):
        yield


@pytest.fixture
def operator(make: Make, sign_in: SignIn) -> TestClient:
    return sign_in(make.user(account_type="operator"))


def _csv(client: TestClient, block: str, days: str = "7") -> list[list[str]]:
    answer = client.get(f"/console/economy/{block}.csv?days={days}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    return list(csv.reader(io.StringIO(answer.text)))


def test_tiles_name_what_they_are_compared_with(stopped: None) -> None:
    tiles = {tile.name: tile for tile in view.tiles(dashboard.latest_dashboard(7), "7")}
    earned, spent, circulation = tiles["earned"], tiles["spent"], tiles["circulation"]
    assert (earned.value, earned.change, earned.than) == (100, "±0 %", "against the 7 days before")
    assert (spent.value, spent.change, spent.than) == (40, "new", "none in the 7 days before")
    assert (circulation.value, circulation.change, circulation.than) == (
        160,
        "+60.0 %",
        "since 4 Mar 2026",
    )
    assert (tiles["users"].value, tiles["users"].change) == (1, "100.0 %")
    assert tiles["transactions"].before == 1


def test_a_period_before_the_first_day_has_nothing_to_compare(stopped: None) -> None:
    tiles = {tile.name: tile for tile in view.tiles(dashboard.latest_dashboard(90), "90")}
    assert (tiles["earned"].value, tiles["earned"].change, tiles["earned"].before) == (
        200,
        "",
        None,
    )


def test_figures_are_those_of_the_last_movement(db: Session, person: User, stopped: None) -> None:
    before = dashboard.latest_dashboard(30)
    assert dashboard.latest_dashboard(30) is before  # nothing moved
    POTService(db).spend_pot(person.id, "charity_burn", amount=10)
    after = dashboard.latest_dashboard(30)
    assert (before.shown.totals["spent"], after.shown.totals["spent"]) == (40, 50)
    assert after.latest[0].category == "charity_burn"


def test_what_moves_without_a_transaction_is_seen_seconds_later(
    person: User, make: Make, stopped: None
) -> None:
    assert dashboard.latest_dashboard(30).totals["total_users"] == 1
    make.user()
    with frozen(NOON + dashboard.FRESH + timedelta(seconds=1)):
        assert dashboard.latest_dashboard(30).totals["total_users"] == 2


def test_long_times_are_shown_by_week(stopped: None) -> None:
    with frozen(NOON + timedelta(days=700)):
        found = dashboard.latest_dashboard(None)
        points = view.points(found.shown.days)
    assert len(found.shown.days) == 710
    assert len(points) == 103
    assert [point.day.weekday() for point in points] == [0] * 103
    assert sum(point.earned for point in points) == found.shown.totals["earned"] == 200


def test_the_page_shows_figures_without_names(person: User, operator: TestClient) -> None:
    with frozen(NOON):
        page = operator.get("/console/economy?days=7")
    assert page.status_code == 200
    assert "4 Mar 2026 to 10 Mar 2026, days in UTC" in page.text
    assert f"User {person.id}" in page.text
    assert "Nomen Privatum" not in page.text
    assert "private@example.org" not in page.text
    assert "100 POT earned, 40 spent" in page.text
    assert "no-store" in page.headers["cache-control"]
    for name in ("summary", "flow", "earning", "spending", "hours", "health", "latest"):
        assert f'id="{name}"' in page.text
        assert f"/console/economy/{name}.csv?days=7" in page.text


def test_every_block_is_a_file(person: User, operator: TestClient) -> None:
    with frozen(NOON):
        files = {
            name: _csv(operator, name)
            for name in ("summary", "flow", "earning", "spending", "hours", "latest", "health")
        }
    assert files["flow"][-1] == ["2026-03-10", "100", "40", "40", "0", "2", "160"]
    assert files["earning"][1] == ["seeker_rating", "Rating given", "100", "1", "1.0000"]
    assert files["spending"][1][0] == "re_match"
    assert files["hours"][10][:3] == ["9", "0", "40"]
    assert files["latest"][1][4:] == ["re_match", str(person.id), "-40"]
    assert {row[2] for row in files["health"][1:]} <= {"good", "bad", "unknown"}
    assert files["summary"][2][:2] == ["Earned, 7 days", "100"]


@pytest.mark.parametrize("days", ["8", "", "x", "-1", "30&days=8", "9" * 5_000])
def test_a_period_that_there_is_not_shows_the_usual_one(operator: TestClient, days: str) -> None:
    page = operator.get(f"/console/economy?days={days}")
    assert page.status_code == 422
    assert '<a class="link-plain inline-block py-0.5" href="#period">There are figures' in page.text
    assert 'href="/console/economy?days=30" aria-current="true"' in page.text
    assert "/console/economy/live?days=30" in page.text


@pytest.mark.parametrize("path", ["flow.csv?days=-1", "people.csv", "live?days=x", "live?days="])
def test_other_files_and_streams_are_refused(operator: TestClient, path: str) -> None:
    assert operator.get(f"/console/economy/{path}").status_code == 422


def test_of_a_repeated_period_the_last_one_counts(operator: TestClient) -> None:
    page = operator.get("/console/economy?days=x&days=7")
    assert page.status_code == 200
    assert 'href="/console/economy?days=7" aria-current="true"' in page.text


def test_the_stream_begins_with_the_present_figures(person: User, operator: TestClient) -> None:
    with frozen(NOON):
        answer = operator.get("/console/economy/live?days=7")  # asks for no stream: gets it once
    assert answer.headers["content-type"].startswith("text/event-stream")
    event, data = answer.text.splitlines()[:2]
    news = json.loads(data.removeprefix("data: "))
    assert event == "event: figures"
    assert news["tiles"]["spent"] == {
        "value": "40",
        "change": "new",
        "than": "none in the 7 days before",
    }
    assert news["point"] == ["2026-03-10", 100, 40]
    assert f"User {person.id}" in news["rows"]
    assert "Nomen" not in data


def test_only_so_many_streams_are_open(operator: TestClient) -> None:
    opened = [streams.stream() for _ in range(streams.MOST_STREAMS)]
    for one in opened:
        one.__enter__()
    try:
        refused = operator.get("/console/economy/live")
    finally:
        for one in opened:
            one.__exit__(None, None, None)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "10"
    assert operator.get("/console/economy/live").status_code == 200


def test_others_are_refused(make: Make, sign_in: SignIn) -> None:
    client = sign_in(make.user(account_type="provider"))
    for path in ("", "/flow.csv", "/live"):
        assert client.get(f"/console/economy{path}").status_code == 403


def test_today_says_when_the_economy_is_out_of_bounds(
    db: Session, person: User, operator: TestClient
) -> None:
    with frozen(NOON):
        assert "Redeemed against" not in operator.get("/console").text
        assert "Burned against awarded" in operator.get("/console").text  # 40 of 200
        POTService(db).spend_pot(person.id, "charity_burn", amount=100)
    with frozen(NOON + dashboard.FRESH + timedelta(seconds=1)):
        assert "Burned against awarded" not in operator.get("/console").text


@pytest.mark.parametrize(
    ("value", "before", "said"),
    [
        (110, 100, "+10.0 %"),
        (75, 100, "−25.0 %"),
        (0, 100, "−100.0 %"),
        (3_100, 100, "×31"),
        (5, 0, "new"),
        (0, 0, "±0 %"),
        (5, None, ""),
    ],
)
def test_changes_in_words(value: int, before: int | None, said: str) -> None:
    assert view.compared(value, before, "against the 7 days before")[0] == said
