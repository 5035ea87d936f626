"""The operators' economy page: figures, CSV files, live stream, and permissions."""

import csv
import io
import json
from collections.abc import Iterator
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
from tests.factories import Make
from tests.support.clients import SignIn

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)  # a Tuesday


@pytest.fixture
def person(db: Session, make: Make) -> User:
    """100 POT earned in each of two weeks, 40 spent in the second; the first week is sealed."""
    user = make.user(name="Nomen Privatum", email="private@example.org")
    with frozen(NOON - timedelta(days=9)):
        policy.genesis(db)
        make.pot(user, 100, "provider_referral")
        seal(db, POT)
    with frozen(NOON - timedelta(hours=3)):
        make.pot(user, 100, "seeker_rating")
        POTService(db).spend_pot(user.id, "re_match", amount=40)
    return user


@pytest.fixture
def frozen_time(person: User) -> Iterator[None]:
    with frozen(NOON):
        yield


@pytest.fixture
def operator(make: Make, sign_in: SignIn) -> TestClient:
    return sign_in(make.operator())


def _csv(client: TestClient, block: str, days: str = "7") -> list[list[str]]:
    answer = client.get(f"/console/economy/{block}.csv?days={days}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer.headers["cache-control"]
    return list(csv.reader(io.StringIO(answer.text)))


@pytest.mark.usefixtures("frozen_time")
def test_tiles_compare_with_the_period_before() -> None:
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


@pytest.mark.usefixtures("frozen_time")
def test_a_period_before_the_first_day_has_nothing_to_compare() -> None:
    tiles = {tile.name: tile for tile in view.tiles(dashboard.latest_dashboard(90), "90")}
    assert (tiles["earned"].value, tiles["earned"].change, tiles["earned"].before) == (
        200,
        "",
        None,
    )


@pytest.mark.usefixtures("frozen_time")
def test_figures_include_the_last_transaction(db: Session, person: User) -> None:
    before = dashboard.latest_dashboard(30)
    assert dashboard.latest_dashboard(30) is before  # nothing moved
    POTService(db).spend_pot(person.id, "charity_burn", amount=10)
    after = dashboard.latest_dashboard(30)
    assert (before.period.totals["spent"], after.period.totals["spent"]) == (40, 50)
    assert after.latest[0].category == "charity_burn"


@pytest.mark.usefixtures("frozen_time")
def test_changes_without_a_transaction_appear_within_seconds(person: User, make: Make) -> None:
    assert dashboard.latest_dashboard(30).totals["total_users"] == 1
    make.user()
    with frozen(NOON + dashboard.MAX_AGE + timedelta(seconds=1)):
        assert dashboard.latest_dashboard(30).totals["total_users"] == 2


@pytest.mark.usefixtures("frozen_time")
def test_long_periods_are_shown_by_week() -> None:
    with frozen(NOON + timedelta(days=700)):
        current = dashboard.latest_dashboard(None)
        points = view.points(current.period.days)
    assert len(current.period.days) == 710
    assert len(points) == 103
    assert [point.day.weekday() for point in points] == [0] * 103
    assert sum(point.earned for point in points) == current.period.totals["earned"] == 200


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
def test_an_unknown_period_shows_the_default(operator: TestClient, days: str) -> None:
    page = operator.get(f"/console/economy?days={days}")
    assert page.status_code == 422
    assert '<a class="link-plain inline-block py-0.5" href="#period">There are figures' in page.text
    assert 'href="/console/economy?days=30" aria-current="true"' in page.text
    assert "/console/economy/live?days=30" in page.text


@pytest.mark.parametrize("path", ["flow.csv?days=-1", "people.csv", "live?days=x", "live?days="])
def test_other_files_and_streams_are_refused(operator: TestClient, path: str) -> None:
    assert operator.get(f"/console/economy/{path}").status_code == 422


def test_the_last_of_repeated_periods_counts(operator: TestClient) -> None:
    page = operator.get("/console/economy?days=x&days=7")
    assert page.status_code == 200
    assert 'href="/console/economy?days=7" aria-current="true"' in page.text


def test_the_stream_begins_with_the_present_figures(person: User, operator: TestClient) -> None:
    with frozen(NOON):  # without an Accept header for streams: the answer is one event
        answer = operator.get("/console/economy/live?days=7")
    assert answer.headers["content-type"].startswith("text/event-stream")
    event, data = answer.text.splitlines()[:2]
    message = json.loads(data.removeprefix("data: "))
    assert event == "event: figures"
    assert message["tiles"]["spent"] == {
        "value": "40",
        "change": "new",
        "than": "none in the 7 days before",
    }
    assert message["point"] == ["2026-03-10", 100, 40]
    assert f"User {person.id}" in message["rows"]
    assert "Nomen" not in data


def test_the_number_of_open_streams_is_limited(operator: TestClient) -> None:
    opened = [streams.stream() for _ in range(streams.MOST_STREAMS)]
    for stream in opened:
        stream.__enter__()
    try:
        refused = operator.get("/console/economy/live")
    finally:
        for stream in opened:
            stream.__exit__(None, None, None)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "10"
    assert operator.get("/console/economy/live").status_code == 200


def test_only_operators_may_see_it(make: Make, sign_in: SignIn) -> None:
    client = sign_in(make.user(account_type="provider"))
    for path in ("", "/flow.csv", "/live"):
        assert client.get(f"/console/economy{path}").status_code == 403


def test_the_console_shows_bad_indicators(db: Session, person: User, operator: TestClient) -> None:
    with frozen(NOON):
        assert "Redeemed against" not in operator.get("/console").text
        assert "Burned against awarded" in operator.get("/console").text  # 40 of 200
        POTService(db).spend_pot(person.id, "charity_burn", amount=100)
    with frozen(NOON + dashboard.MAX_AGE + timedelta(seconds=1)):
        assert "Burned against awarded" not in operator.get("/console").text


@pytest.mark.parametrize(
    ("value", "before", "expected"),
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
def test_changes_in_words(value: int, before: int | None, expected: str) -> None:
    assert view.compared(value, before, "against the 7 days before")[0] == expected
