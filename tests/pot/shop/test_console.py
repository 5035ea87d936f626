"""Operators deliver orders or cancel them, each once."""

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.pot.shop import queries as shop
from imatch.pot.shop.models import PotPurchase
from tests.factories import Make
from tests.support.balances import free_and_held
from tests.support.clients import SignIn


@pytest.fixture
def operator(make: Make, sign_in: SignIn) -> TestClient:
    return sign_in(make.operator())


@pytest.fixture
def buyer(make: Make) -> User:
    return make.buyer(300, email="ana@example.org", name="Ana Example")


@pytest.fixture
def ordered(make: Make, buyer: User) -> PotPurchase:
    return make.purchase(buyer, amount=75, note="In May, please")


def test_an_order_is_delivered_once(
    db: Session, buyer: User, ordered: PotPurchase, operator: TestClient
) -> None:
    page = operator.get("/console/orders").text
    for shown in ("Workshop", "Ana Example", "ana@example.org", "In May, please", "Due"):
        assert shown in page
    address = f"/console/orders/{ordered.id}/deliver"
    for bad in ("bell\x07", "n" * 301):
        assert operator.post(address, data={"note": bad}).status_code == 422
    assert free_and_held(db, buyer) == (225, 75)
    done = operator.post(address, data={"note": "See you in room 4"}, follow_redirects=False)
    assert done.headers["location"] == "/console/orders"
    assert free_and_held(db, buyer) == (225, 0)
    assert shop.purchases(db, buyer.id)[0].note == "See you in room 4"
    assert operator.post(address).status_code == 409
    assert operator.post(f"/console/orders/{ordered.id}/cancel").status_code == 409
    assert "Nothing to deliver" in operator.get("/console/orders").text


def test_a_cancelled_order_gives_its_pot_back(
    db: Session, buyer: User, ordered: PotPurchase, operator: TestClient
) -> None:
    assert operator.post(f"/console/orders/{ordered.id}/cancel").status_code == 200
    assert free_and_held(db, buyer) == (300, 0)
    for number in (0, ordered.id + 99, 10**30):
        assert operator.post(f"/console/orders/{number}/cancel").status_code == 404
        assert operator.post(f"/console/orders/{number}/deliver").status_code == 404
