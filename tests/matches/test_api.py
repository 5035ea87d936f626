"""Shortlists and matches for programs: by token or account, whole arithmetic, nobody else's."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.core.database import atomic
from imatch.matches.models import Shortlist
from imatch.needs.models import Need
from tests.factories import Make
from tests.factories.needs import ADVISOR_NEED
from tests.factories.providers import ADVISORS
from tests.support.clients import SignIn

API = "/api/v1"


def with_token(token: str) -> dict[str, str]:
    return {"X-Need-Token": token}


def test_a_program_hands_in_a_need_and_reads_the_matches(
    client: TestClient, three: list[str]
) -> None:
    need = client.post(f"{API}/needs", json={"category": ADVISORS, "values": ADVISOR_NEED}).json()
    made = client.post(f"{API}/needs/{need['id']}/shortlists", headers=with_token(need["token"]))
    assert made.status_code == 200
    shortlist = made.json()
    assert shortlist["considered"] == shortlist["passed"] == 3
    assert shortlist["kind"] == "basic"
    assert len(shortlist["disclosures"]) == 2
    assert {match["person"]["name"] for match in shortlist["matches"]} == set(three)
    assert [match["position"] for match in shortlist["matches"]] == [1, 2, 3]
    first = shortlist["matches"][0]
    assert first["caveat"]
    assert first["person"]["reply_time"] == first["person"]["rating"] == ""

    detail = client.get(f"{API}/matches/{first['id']}", headers=with_token(need["token"])).json()
    sums = detail["arithmetic"]
    by_hand = 100 * sum(li["weight"] * li["score"] for li in sums["lines"]) / sums["weights"]
    assert abs(by_hand - detail["fit"]) <= 0.05 + 1e-9
    assert sums["agrees"] is True
    assert sums["fit"] == detail["fit"] == first["fit"]
    assert all(line["source"] and line["day"] for line in sums["lines"])


def test_asking_twice_gives_the_same_shortlist(
    client: TestClient, make: Make, three: list[str], db: Session
) -> None:
    need, token = make.need_and_token()
    path = f"{API}/needs/{need.id}/shortlists"
    answers = [client.post(path, headers=with_token(token), json={}).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert db.scalar(select(func.count()).select_from(Shortlist)) == 1


@pytest.mark.both_databases
def test_pages_go_from_the_newest_to_the_oldest(
    client: TestClient, make: Make, three: list[str]
) -> None:
    need, token = make.need_and_token()
    client.post(f"{API}/needs/{need.id}/shortlists", headers=with_token(token))
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{API}/matches", params=params, headers=with_token(token)).json()
        seen += [match["id"] for match in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 3


def test_the_account_that_owns_a_need_reads_its_matches(
    client: TestClient,
    make: Make,
    three: list[str],
    db: Session,
    sign_in: SignIn,
) -> None:
    owner, stranger = make.user(), make.user()
    need, token = make.need_and_token()
    client.post(f"{API}/needs/{need.id}/shortlists", headers=with_token(token))
    with atomic(db):
        need.user_id = owner.id
    sign_in(owner)
    assert len(client.get(f"{API}/matches").json()["items"]) == 3
    sign_in(stranger)
    assert client.get(f"{API}/matches").json()["items"] == []
    refused = client.get(f"{API}/matches", headers=with_token(token))
    assert refused.json()["items"] == []


def test_others_get_404_and_nothing_of_it(client: TestClient, make: Make, three: list[str]) -> None:
    need, token = make.need_and_token()
    made = client.post(f"{API}/needs/{need.id}/shortlists", headers=with_token(token)).json()
    match_id = made["matches"][0]["id"]
    _other, other_token = make.need_and_token(urgency="flexible")
    for headers in ({}, with_token("nonsense"), with_token(other_token)):
        answer = client.get(f"{API}/matches/{match_id}", headers=headers)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Ada" not in answer.text
        suggest = client.post(f"{API}/needs/{need.id}/shortlists", headers=headers)
        assert suggest.status_code == 404
    assert client.get(f"{API}/matches").json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "premium"}, 401),
        ({"kind": "re_match", "refusal": "price"}, 401),
        ({"kind": "custom_criteria", "criteria": "someone patient"}, 401),
        ({"kind": "custom_criteria"}, 422),
        ({"kind": "basic", "criteria": "someone patient"}, 422),
        ({"kind": "basic", "refusal": "price"}, 422),
        ({"kind": ""}, 422),
        ({"kind": "bogus"}, 422),
    ],
)
def test_only_the_free_kind_is_free(
    client: TestClient,
    make: Make,
    three: list[str],
    db: Session,
    body: dict[str, str],
    status: int,
) -> None:
    need, token = make.need_and_token()
    path = f"{API}/needs/{need.id}/shortlists"
    answer = client.post(path, headers=with_token(token), json=body)
    assert answer.status_code == status
    assert db.scalar(select(func.count()).select_from(Shortlist)) == 0


@pytest.mark.parametrize(
    "body",
    [
        '{"kind":' * 20_000,
        "[" * 50_000 + "]" * 50_000,
        '{"kind": "basic", "more": 1}',
        '"\\u0000"',
        "{",
        "\x00",
    ],
    ids=["deep open", "deep list", "extra", "nul text", "broken", "nul"],
)
def test_bodies_that_are_no_request_are_refused(
    client: TestClient, make: Make, three: list[str], db: Session, body: str
) -> None:
    need, token = make.need_and_token()
    answer = client.post(
        f"{API}/needs/{need.id}/shortlists",
        content=body,
        headers={**with_token(token), "content-type": "application/json"},
    )
    assert 400 <= answer.status_code < 500
    assert db.scalar(select(func.count()).select_from(Shortlist)) == 0


@pytest.mark.parametrize(
    "budget",
    [
        {"min_cents": None, "max_cents": -1, "unit": "session"},
        {"min_cents": None, "max_cents": 10**18, "unit": "session"},
        {"min_cents": 2, "max_cents": 1, "unit": "session"},
        {"min_cents": None, "max_cents": 1, "unit": "\x00"},
    ],
)
def test_budgets_that_are_none_are_refused(client: TestClient, budget: dict[str, object]) -> None:
    body = {"category": ADVISORS, "values": {**ADVISOR_NEED, "budget": budget}}
    answer = client.post(f"{API}/needs", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("budget")


def test_ids_and_cursors_that_are_none_are_refused(client: TestClient) -> None:
    for path in (f"matches/{2**63}", "matches/0", "matches/x", "matches?cursor=%00"):
        assert client.get(f"{API}/{path}").status_code == 422, path
    assert client.get(f"{API}/matches", params={"limit": 101}).status_code == 422
    assert client.post(f"{API}/needs/{2**63}/shortlists").status_code == 422


def test_a_draft_is_told_to_be_finished(client: TestClient, three: list[str], db: Session) -> None:
    first = client.post(
        f"/find/{ADVISORS}/1", data={"needs_description": "Tax."}, follow_redirects=False
    )
    token = first.cookies["imatch_need"]
    need_id = db.scalars(select(Need.id)).one()
    answer = client.post(f"{API}/needs/{need_id}/shortlists", headers=with_token(token))
    assert answer.status_code == 409
    assert answer.json()["code"] == "need_incomplete"
