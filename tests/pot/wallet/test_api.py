"""The wallet API: own data only, in pages, with idempotent writes."""

import pytest
from httpx2 import Response
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.pot.service import POTService
from tests.factories import Make
from tests.support.clients import SignIn

POT = "/api/v1/pot"


@pytest.fixture
def rich(make: Make) -> User:
    return make.buyer(1_000)


def spend(client: TestClient, key: str, **body: object) -> Response:
    answer: Response = client.post(f"{POT}/spend", json=body, headers={"Idempotency-Key": key})
    return answer


def test_the_balance_gives_reasons_against_redeeming(rich: User, sign_in: SignIn) -> None:
    client = sign_in(rich)
    spend(client, "1", option="workshop", amount=200)
    balance = client.get(f"{POT}/balance").json()
    assert (balance["held"], balance["spent"], balance["earned"] - balance["free"]) == (200, 0, 200)
    assert (balance["redeemable_now"], balance["payout_cents"]) == (0, 0)
    assert balance["not_redeemable_because"]


def test_a_key_buys_once(rich: User, sign_in: SignIn) -> None:
    client = sign_in(rich)
    first = spend(client, "a", option="consulting")
    again = spend(client, "a", option="consulting")
    assert (first.status_code, again.json()) == (201, first.json())
    other = spend(client, "a", option="workshop", amount=60)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert client.get(f"{POT}/balance").json()["held"] == 500
    assert len(client.get(f"{POT}/purchases").json()["items"]) == 1


def test_keys_are_separate_for_each_person(
    db: Session, rich: User, make: Make, sign_in: SignIn
) -> None:
    other = make.buyer(500)
    spend(sign_in(rich), "a", option="consulting")
    assert spend(sign_in(other), "a", option="consulting").status_code == 201


def test_an_order_can_be_cancelled(rich: User, sign_in: SignIn) -> None:
    client = sign_in(rich)
    order = spend(client, "a", option="event", amount=900).json()
    assert spend(client, "b", option="consulting").json()["code"] == "insufficient_pot"
    for _ in range(2):  # a client may lose the first response
        assert client.post(f"{POT}/purchases/{order['id']}/cancel").json()["status"] == "cancelled"
    balance = client.get(f"{POT}/balance").json()
    assert (balance["free"], balance["held"]) == (1_001, 0)  # one is the daily visit's award


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"option": "workshop", "amount": -50}, 422),
        ({"option": "workshop", "amount": 0}, 422),
        ({"option": "workshop", "amount": 60.5}, 422),
        ({"option": "workshop", "amount": True}, 422),
        ({"option": "workshop", "amount": 10**30}, 422),
        ({"option": "workshop", "amount": 501}, 409),
        ({"option": "a yacht"}, 404),
        ({"option": "analytics_month"}, 404),
        ({"option": "premium_match"}, 409),
        ({"option": "workshop", "user_id": 1}, 422),
        ({}, 422),
    ],
)
def test_refused_purchases_move_nothing(
    rich: User, sign_in: SignIn, body: dict[str, object], status: int
) -> None:
    client = sign_in(rich)
    assert spend(client, "a", **body).status_code == status
    assert client.get(f"{POT}/purchases").json()["items"] == []


def test_a_purchase_needs_a_key(rich: User, sign_in: SignIn) -> None:
    answer = sign_in(rich).post(f"{POT}/spend", json={"option": "consulting"})
    assert answer.status_code == 422


def test_transactions_come_page_by_page(db: Session, rich: User, sign_in: SignIn) -> None:
    for _number in range(5):
        POTService(db).spend_pot(rich.id, "re_match")
    client = sign_in(rich)
    first = client.get(f"{POT}/transactions", params={"limit": 4}).json()
    rest = client.get(f"{POT}/transactions", params={"cursor": first["next_cursor"]}).json()
    amounts = [row["amount"] for row in first["items"] + rest["items"]]
    assert amounts == [-50] * 5 + [1_000]
    assert (first["items"][0]["balance_after"], rest["next_cursor"]) == (750, None)
    earned = client.get(f"{POT}/transactions", params={"transaction_type": "earn"}).json()
    assert [row["amount"] for row in earned["items"]] == [1_000]


def test_purchases_and_requests_come_page_by_page(db: Session, rich: User, sign_in: SignIn) -> None:
    client = sign_in(rich)
    for key in "abc":
        spend(client, key, option="workshop", amount=50)
        POTService(db).redeem_pot_for_usd(rich.id, 100)
    for path in ("purchases", "redemptions"):
        first = client.get(f"{POT}/{path}", params={"limit": 2}).json()
        rest = client.get(f"{POT}/{path}", params={"cursor": first["next_cursor"]}).json()
        ids = [row["id"] for row in first["items"] + rest["items"]]
        assert (len(ids), ids, rest["next_cursor"]) == (3, sorted(ids, reverse=True), None)
        assert client.get(f"{POT}/{path}", params={"cursor": "?"}).status_code == 422


def test_redeeming_is_refused_while_switched_off(rich: User, sign_in: SignIn) -> None:
    answer = sign_in(rich).post(
        f"{POT}/redemptions", json={"pot_amount": 100}, headers={"Idempotency-Key": "a"}
    )
    assert 400 <= answer.status_code < 500
    assert answer.json()["detail"]


def test_the_economy_is_public(rich: User, client: TestClient) -> None:
    totals = client.get("/pot/economy").json()
    assert totals["total_pot_in_circulation"] == 1_000
    period = client.get(f"{POT}/economy", params={"days": 7}).json()
    assert (period["totals"], period["period"]["earned"]) == (totals, 1_000)
    parts = client.get(f"{POT}/earning-breakdown").json()["parts"]
    assert [part["name"] for part in parts] == ["community_help"]
    assert client.get(f"{POT}/spending-breakdown").json()["parts"] == []
    assert {item["name"] for item in client.get(f"{POT}/health").json()["indicators"]} >= {
        "inflation",
        "coverage",
        "drift",
    }


def test_rules_are_public(client: TestClient) -> None:
    rules = client.get(f"{POT}/rules").json()
    assert {"name": "daily_login", "pot": "1", "times": 30, "window": "month"}.items() <= next(
        rule for rule in rules["earnings"] if rule["name"] == "daily_login"
    ).items()
    assert any(item["name"] == "charity_burn" and item["offered"] for item in rules["spendings"])
