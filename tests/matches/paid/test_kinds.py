"""Ten people, other people, one's own criteria and a search by hand, for POT."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import User
from imatch.core.database import SessionLocal
from imatch.core.errors import Invalid
from imatch.ledger import POT
from imatch.ledger.queries import account, free
from imatch.matches import queries
from imatch.matches.models import Match, MatchKind, Shortlist
from imatch.matches.paid import service as paid
from imatch.matches.rules import Refusal
from imatch.needs.models import Need
from imatch.needs.queries import NeedNotFound
from imatch.pot.errors import InsufficientPot, POTKeyReused
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop.models import PotPurchase
from tests.factories import Make
from tests.matches.browsing import Browse, look
from tests.support.clients import SignIn

KEY = "a-key-of-some-length"


@dataclass
class Buyer:
    user: User
    need: Need
    db: Session

    @property
    def free(self) -> int:
        self.db.rollback()
        return free(self.db, POT, self.user.id)

    def people(self, shortlist: Shortlist) -> set[int]:
        return {match.provider_id for match in queries.matches_of(self.db, shortlist.id)}

    def buy(self, kind: MatchKind, key: str = KEY, **wish: Any) -> Shortlist:  # noqa: ANN401
        return paid.buy(self.db, self.user, self.need, paid.Wish(kind, **wish), key=key)


@pytest.fixture
def buyer(db: Session, make: Make) -> Buyer:
    user = make.buyer()
    return Buyer(user, make.need(user), db)


def counted(db: Session, table: type[Any]) -> int:
    db.rollback()
    return db.scalar(select(func.count()).select_from(table)) or 0


# ---- charged together with the list, or not at all ----


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("kind", "wish", "pot", "people"),
    [
        (MatchKind.PREMIUM, {}, 100, 10),
        (MatchKind.RE_MATCH, {"refusal": Refusal.OTHER}, 50, 3),
        (MatchKind.CUSTOM_CRITERIA, {"criteria": "who knows to sail a boat"}, 150, 3),
    ],
)
def test_a_list_is_charged_and_stored(
    buyer: Buyer, many: None, kind: MatchKind, wish: dict[str, Any], pot: int, people: int
) -> None:
    before = buyer.free
    found = buyer.buy(kind, **wish)
    assert len(buyer.people(found)) == people
    assert buyer.free == before - pot
    bought = shop_queries.purchases(buyer.db, buyer.user.id)[0]
    assert (bought.reference_type, bought.reference_id) == ("shortlist", found.id)


def test_the_same_key_gives_the_same_list(buyer: Buyer, many: None) -> None:
    before = buyer.free
    first = buyer.buy(MatchKind.RE_MATCH)
    assert buyer.buy(MatchKind.RE_MATCH).id == first.id
    assert buyer.free == before - 50
    second = buyer.buy(MatchKind.RE_MATCH, key="another-key-of-some-length")
    assert not buyer.people(second) & buyer.people(first)


@pytest.mark.parametrize(
    ("kind", "wish"),
    [
        (MatchKind.PREMIUM, {}),
        (MatchKind.RE_MATCH, {"refusal": Refusal.PRICE}),
        (MatchKind.CUSTOM_CRITERIA, {"criteria": "something else"}),
    ],
)
def test_a_key_of_another_request_is_refused(
    buyer: Buyer, many: None, kind: MatchKind, wish: dict[str, Any]
) -> None:
    buyer.buy(MatchKind.CUSTOM_CRITERIA, criteria="who knows to sail a boat")
    after, lists = buyer.free, counted(buyer.db, Shortlist)
    with pytest.raises(POTKeyReused):
        buyer.buy(kind, **wish)
    assert (buyer.free, counted(buyer.db, Shortlist)) == (after, lists)


def test_what_was_asked_for_is_not_written_into_the_books(buyer: Buyer, many: None) -> None:
    buyer.buy(MatchKind.CUSTOM_CRITERIA, criteria="who knows to sail a boat")
    assert "sail" not in shop_queries.purchases(buyer.db, buyer.user.id)[0].note


@pytest.mark.parametrize("kind", [MatchKind.PREMIUM, MatchKind.RE_MATCH])
def test_nobody_new_costs_nothing(
    buyer: Buyer, three: list[str], kind: MatchKind, sign_in: SignIn
) -> None:
    look(sign_in(buyer.user))
    before, lists, shown = (
        buyer.free,
        counted(buyer.db, Shortlist),
        counted(buyer.db, Match),
    )
    with pytest.raises(paid.NobodyNew):
        buyer.buy(kind)
    assert (buyer.free, counted(buyer.db, Shortlist)) == (before, lists)
    assert counted(buyer.db, Match) == shown
    assert shop_queries.purchases(buyer.db, buyer.user.id) == []


def test_too_few_pot_leave_no_list(buyer: Buyer, many: None, make: Make) -> None:
    poor = make.user()
    need = make.need(poor)
    with pytest.raises(InsufficientPot):
        paid.buy(buyer.db, poor, need, paid.Wish(MatchKind.PREMIUM), key=KEY)
    assert counted(buyer.db, Shortlist) == counted(buyer.db, PotPurchase) == 0


def test_somebody_elses_need_is_not_there(buyer: Buyer, many: None, make: Make) -> None:
    other = make.buyer(500)
    for act in (
        lambda: paid.buy(buyer.db, other, buyer.need, paid.Wish(MatchKind.PREMIUM), key=KEY),
        lambda: paid.order_by_hand(buyer.db, other, buyer.need, key=KEY),
    ):
        with pytest.raises(NeedNotFound):
            act()
    assert free(buyer.db, POT, other.id) == 500
    assert counted(buyer.db, PotPurchase) == 0


@pytest.mark.parametrize(
    "wish",
    [
        paid.Wish(MatchKind.CUSTOM_CRITERIA),
        paid.Wish(MatchKind.CUSTOM_CRITERIA, "x" * 1_001),
        paid.Wish(MatchKind.PREMIUM, "someone patient"),
        paid.Wish(MatchKind.PREMIUM, refusal=Refusal.PRICE),
    ],
)
def test_an_unusable_wish_changes_nothing(buyer: Buyer, many: None, wish: paid.Wish) -> None:
    before = buyer.free
    with pytest.raises(Invalid):
        paid.buy(buyer.db, buyer.user, buyer.need, wish, key=KEY)
    assert buyer.free == before
    assert counted(buyer.db, Shortlist) == 0


@pytest.mark.both_databases
def test_at_the_same_moment_it_is_bought_once(buyer: Buyer, many: None) -> None:
    before, user_id, need_id = buyer.free, buyer.user.id, buyer.need.id
    buyer.db.rollback()

    def press(_: int) -> int:
        with SessionLocal() as own:
            user, need = own.get_one(User, user_id), own.get_one(Need, need_id)
            return paid.buy(own, user, need, paid.Wish(MatchKind.RE_MATCH), key=KEY).id

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(press, range(6)))) == 1
    assert buyer.free == before - 50
    assert counted(buyer.db, Shortlist) == 1


# ---- on pages ----


def page_key(client: TestClient, option: str) -> str:
    page = client.get(f"/matches/more/{option}")
    assert page.status_code == 200
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    return found[1] if found else str(page.url).partition("key=")[2]


def test_the_panel_says_what_it_brings_and_costs(buyer: Buyer, many: None, sign_in: SignIn) -> None:
    page = look(sign_in(buyer.user)).text
    for words in ("Ten people instead of three", "100 POT", "50 POT", "150 POT", "200 POT"):
        assert words in page
    assert "Up to three of the 11 you have not seen." in page


def test_without_an_account_nothing_else_changes(
    many: None, make: Make, browse: Browse, db: Session
) -> None:
    _need, token = make.need_and_token()
    browser = browse(token)
    page = look(browser).text
    assert 'href="/sign-up"' in page
    assert "free POT" not in page
    answer = browser.post("/matches/more/premium_match", data={"key": KEY}, follow_redirects=False)
    assert answer.headers["location"].startswith("/sign-in")
    assert counted(db, PotPurchase) == 0


def test_pressing_twice_and_going_back_buy_once(buyer: Buyer, many: None, sign_in: SignIn) -> None:
    client = sign_in(buyer.user)
    look(client)
    key = page_key(client, "premium_match")
    path, before = "/matches/more/premium_match", buyer.free
    first = client.post(path, data={"key": key}, follow_redirects=False)
    paid_once = buyer.free
    again = client.post(path, data={"key": key}, follow_redirects=False)
    back = client.get(f"{path}?key={key}", follow_redirects=False)
    assert first.status_code == again.status_code == back.status_code == 303
    assert first.headers["location"] == again.headers["location"] == back.headers["location"]
    assert before - paid_once in {99, 100}  # the day's first action earned 1
    assert buyer.free == paid_once
    listed = client.get(first.headers["location"]).text
    assert "10 people fit" in listed
    assert 'href="/matches/lists/' in client.get("/matches").text


def test_who_cannot_pay_reads_what_is_missing(
    db: Session, many: None, make: Make, sign_in: SignIn
) -> None:
    poor = make.user()
    make.need(poor)
    client = sign_in(poor)
    look(client)
    page = client.get("/matches/more/custom_criteria_match").text
    assert "How to earn the rest" in page
    assert 'href="/wallet/earn"' in page
    data = {"key": KEY, "criteria": "someone patient"}
    refused = client.post("/matches/more/custom_criteria_match", data=data)
    assert refused.status_code == 409
    assert "How to earn the rest" in refused.text
    assert counted(db, PotPurchase) == 0


def test_nobody_new_is_said_plainly(buyer: Buyer, three: list[str], sign_in: SignIn) -> None:
    client = sign_in(buyer.user)
    assert "You have seen everybody who met your rules" in look(client).text
    refused = client.post("/matches/more/re_match", data={"key": KEY})
    assert refused.status_code == 409
    assert "Nothing was charged" in refused.text
    assert counted(buyer.db, PotPurchase) == 0


@pytest.mark.parametrize(
    ("option", "data", "status"),
    [
        ("custom_criteria_match", {"criteria": " "}, 422),
        ("re_match", {"refusal": "bogus"}, 422),
        ("workshop", {}, 404),
        ("nothing", {}, 404),
    ],
)
def test_bad_input_moves_nothing(
    buyer: Buyer, many: None, sign_in: SignIn, option: str, data: dict[str, str], status: int
) -> None:
    client = sign_in(buyer.user)
    answer = client.post(f"/matches/more/{option}", data={"key": KEY, **data})
    assert answer.status_code == status
    assert counted(buyer.db, PotPurchase) == 0


def test_a_list_opens_for_its_owner_only(
    buyer: Buyer, many: None, make: Make, sign_in: SignIn
) -> None:
    found = buyer.buy(MatchKind.PREMIUM)
    assert sign_in(buyer.user).get(f"/matches/lists/{found.id}").status_code == 200
    assert sign_in(make.user()).get(f"/matches/lists/{found.id}").status_code == 404


def test_a_search_by_hand_is_ordered_once_and_cancelled(
    buyer: Buyer, many: None, sign_in: SignIn
) -> None:
    client = sign_in(buyer.user)
    look(client)
    key = page_key(client, "rush_match")
    for _ in range(2):
        client.post("/matches/more/rush_match", data={"key": key, "note": "By Friday"})
    held = account(buyer.db, POT, buyer.user.id)
    assert held is not None
    assert held.held == 200
    order = shop_queries.open_orders(buyer.db)[0]
    assert (order.reference_type, order.reference_id) == ("seeker", buyer.need.id)
    page = look(client).text
    assert "Matched by hand: ordered." in page
    assert "Due by" in page
    refused = client.post("/matches/more/rush_match", data={"key": f"{KEY}-other"})
    assert refused.status_code == 409
    client.post(f"/matches/orders/{order.id}/cancel")
    assert "Matched by hand: ordered." not in client.get("/matches").text
    buyer.db.rollback()
    returned = account(buyer.db, POT, buyer.user.id)
    assert returned is not None
    assert returned.held == 0


# ---- for programs ----


def test_programs_buy_once_for_each_key(buyer: Buyer, many: None, sign_in: SignIn) -> None:
    client = sign_in(buyer.user)
    path = f"/api/v1/needs/{buyer.need.id}/shortlists"
    body = {"kind": "re_match", "refusal": "other"}
    without_key = client.post(path, json=body)
    assert without_key.status_code == 422
    before = buyer.free
    keyed = {"Idempotency-Key": "one"}
    first, again = (client.post(path, json=body, headers=keyed) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json()["kind"] == "re_match"
    assert first.json() == again.json()
    assert buyer.free == before - 50
    other = client.post(path, json={"kind": "premium"}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert buyer.free == before - 50


def test_programs_without_enough_pot_are_refused(
    db: Session, many: None, make: Make, sign_in: SignIn
) -> None:
    poor = make.user()
    need = make.need(poor)
    answer = sign_in(poor).post(
        f"/api/v1/needs/{need.id}/shortlists",
        json={"kind": "premium"},
        headers={"Idempotency-Key": "one"},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_pot")
    assert counted(db, Shortlist) == 0


def test_programs_buy_for_their_own_needs_only(
    buyer: Buyer, many: None, make: Make, sign_in: SignIn
) -> None:
    other = make.buyer(500)
    answer = sign_in(other).post(
        f"/api/v1/needs/{buyer.need.id}/shortlists",
        json={"kind": "premium"},
        headers={"Idempotency-Key": "one"},
    )
    assert answer.status_code == 404
    assert counted(buyer.db, PotPurchase) == 0
