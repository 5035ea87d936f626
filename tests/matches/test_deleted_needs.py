"""What was bought for a need that is gone, where SQLite gives its ids to the next rows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.ledger import POT
from imatch.ledger.queries import account
from imatch.matches import service
from imatch.matches.models import MatchKind, Shortlist
from imatch.matches.paid import service as paid
from imatch.needs import service as seekers
from imatch.needs.models import Need
from imatch.needs.queries import NeedNotFound
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from tests.factories import Make
from tests.factories.needs import ADVISOR_NEED_JSON
from tests.matches.browsing import look
from tests.support.clients import SignIn

pytestmark = pytest.mark.both_databases

PREMIUM = {"kind": "premium"}


def handed_in(client: TestClient) -> int:
    return int(client.post("/api/v1/needs", json=ADVISOR_NEED_JSON).json()["id"])


def bought(client: TestClient, need_id: int, key: str) -> Any:  # noqa: ANN401 -- a response
    path = f"/api/v1/needs/{need_id}/shortlists"
    return client.post(path, json=PREMIUM, headers={"Idempotency-Key": key})


def held_and_left(db: Session, user: User) -> tuple[int, int]:
    db.rollback()
    found = account(db, POT, user.id)
    assert found is not None
    return found.held, found.balance


def test_a_key_of_a_deleted_need_shows_nobody_elses_list(
    db: Session, many: None, make: Make, sign_in: SignIn
) -> None:
    buyer, other = make.buyer(), make.buyer()
    client = sign_in(buyer)
    first = handed_in(client)
    assert bought(client, first, "first").status_code == 200
    client.delete(f"/api/v1/needs/{first}")
    second = handed_in(client)
    client = sign_in(other)
    assert bought(client, handed_in(client), "theirs").status_code == 200
    after = held_and_left(db, buyer)
    replayed = bought(sign_in(buyer), second, "first")
    assert replayed.status_code == 409
    assert "Nothing" in replayed.json()["detail"]
    assert "key" in replayed.json()["detail"]
    assert held_and_left(db, buyer) == after


def test_a_key_of_a_deleted_need_without_any_list_is_refused(
    many: None, make: Make, sign_in: SignIn
) -> None:
    client = sign_in(make.buyer())
    first = handed_in(client)
    assert bought(client, first, "first").status_code == 200
    client.delete(f"/api/v1/needs/{first}")
    assert bought(client, handed_in(client), "first").status_code == 409


def test_another_list_of_ones_own_is_not_what_the_key_bought(
    many: None, make: Make, sign_in: SignIn
) -> None:
    client = sign_in(make.buyer())
    first = handed_in(client)
    assert bought(client, first, "first").status_code == 200
    client.delete(f"/api/v1/needs/{first}")
    second = handed_in(client)
    listed = bought(client, second, "second")
    assert listed.status_code == 200
    assert bought(client, second, "first").status_code == 409
    assert bought(client, second, "second").json() == listed.json()


def test_a_page_of_a_deleted_need_opens_an_order_of_its_own(
    db: Session, many: None, make: Make, sign_in: SignIn
) -> None:
    client = sign_in(make.buyer())
    path, key = "/matches/more/premium_match", "a-key-of-some-length"
    first = handed_in(client)
    listed = client.post(path, data={"key": key}, follow_redirects=False)
    assert "/matches/lists/" in listed.headers["location"]
    client.delete(f"/api/v1/needs/{first}")
    handed_in(client)
    look(client)  # the free list takes the id
    counted = db.query(PotPurchase).count()
    opened = client.get(f"{path}?key={key}", follow_redirects=False)
    assert opened.headers["location"] == path
    db.rollback()
    assert db.query(PotPurchase).count() == counted


def test_an_order_goes_with_its_need(db: Session, many: None, make: Make, sign_in: SignIn) -> None:
    buyer = make.buyer()
    client = sign_in(buyer)
    first = handed_in(client)
    before = held_and_left(db, buyer)
    order = paid.order_by_hand(db, buyer, db.get_one(Need, first), key="order")
    assert held_and_left(db, buyer) == (200, before[1])
    assert client.delete(f"/api/v1/needs/{first}").status_code == 204
    assert held_and_left(db, buyer) == before
    db.expire_all()
    assert db.get_one(PotPurchase, order.id).status == "cancelled"
    assert shop_queries.open_orders(db) == []
    second_id = handed_in(client)
    db.rollback()
    second = db.get_one(Need, second_id)
    assert paid.ordered_by_hand(db, buyer, second) is None
    assert paid.order_by_hand(db, buyer, second, key="another").status == "ordered"


def test_an_order_of_the_same_moment_goes_too(
    db: Session, new_session: Callable[[], Session], many: None, make: Make
) -> None:
    buyer = make.buyer()
    for number in range(6):
        need = make.need(buyer)
        both_have_read = Barrier(2)

        def act(verb: Callable[[Session, Need], object], need_id: int, ready: Barrier) -> None:
            with new_session() as own:
                read = own.get_one(Need, need_id)
                ready.wait()
                with suppress(NeedNotFound):  # whoever comes second
                    verb(own, read)

        def order(own: Session, need: Need, key: str = f"order {number}") -> object:
            return paid.order_by_hand(own, own.get_one(User, buyer.id), need, key=key)

        with ThreadPoolExecutor(2) as threads:
            acts = [
                threads.submit(act, verb, need.id, both_have_read)
                for verb in (order, seekers.delete)
            ]
        for done in acts:
            done.result()
    assert shop_queries.open_orders(db) == []
    assert held_and_left(db, buyer)[0] == 0


def test_what_was_delivered_stays_paid(db: Session, many: None, make: Make) -> None:
    buyer = make.buyer()
    need = make.need(buyer)
    order = paid.order_by_hand(db, buyer, need, key="order")
    shop.deliver(db, order.id)
    after = held_and_left(db, buyer)
    seekers.delete(db, need)
    assert held_and_left(db, buyer) == after
    assert db.get_one(PotPurchase, order.id).status == "delivered"


@pytest.mark.parametrize(
    "act",
    [
        lambda db, _user, need: service.suggest(db, need),
        lambda db, user, need: paid.buy(db, user, need, paid.Wish(MatchKind.PREMIUM), key="k"),
        lambda db, user, need: paid.order_by_hand(db, user, need, key="k"),
    ],
    ids=["suggest", "buy", "order_by_hand"],
)
@pytest.mark.parametrize("taken", [False, True], ids=["gone", "taken"])
def test_a_need_that_goes_meanwhile_is_not_there(
    db: Session,
    new_session: Callable[[], Session],
    many: None,
    make: Make,
    act: Callable[[Session, User, Need], object],
    taken: bool,
) -> None:
    buyer = make.buyer()
    need = make.need(buyer)
    need_id = need.id
    with new_session() as own:
        seekers.delete(own, own.get_one(Need, need_id))
        if taken:  # on SQLite by the same id
            Make(own).need()
    with pytest.raises(NeedNotFound):
        act(db, buyer, need)
    db.rollback()
    assert db.query(Shortlist).count() == db.query(PotPurchase).count() == 0
