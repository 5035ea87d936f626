"""The wallet's pages without JavaScript: view, filter, order once, cancel."""

import csv
import re
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.models import AccountType, User
from imatch.core import clock
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.pot.awards import clawbacks
from imatch.pot.awards.models import PotAward, PotDebt
from imatch.pot.rules import EARNINGS
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDINGS
from imatch.pot.shop.models import PotPurchase
from tests.factories import Make
from tests.support import balances
from tests.support.clients import SignIn

KEY = "a-key-of-this-test-1"


@pytest.fixture
def rich(make: Make) -> User:
    person = make.user()
    make.pot(person, 300, description="Found a hole")
    return person


@pytest.fixture
def client(client: TestClient) -> TestClient:
    client.follow_redirects = False
    return client


def free_and_held(db: Session, person: User) -> tuple[int, int]:
    """Free and held POT, without the awards for daily visits."""
    free, held = balances.free_and_held(db, person)
    visits = db.query(PotAward).filter_by(user_id=person.id, rule="daily_login", status="paid")
    return free - sum(award.amount for award in visits), held


def order(client: TestClient, option: str = "workshop", **form: str) -> str:
    """Place an order; returns the address it redirects to."""
    data = {"key": KEY, "amount": "75", **form}
    answer = client.post(f"/wallet/spend/{option}", data=data)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def text_of(page: str) -> str:
    """The page's text without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_an_empty_wallet_says_what_to_do(make: Make, sign_in: SignIn) -> None:
    page = sign_in(make.user()).get("/wallet")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "None yet. The first POT come with what you do here" in text_of(page.text)
    assert "switched off" in page.text
    assert (
        "no transactions" in text_of(sign_in(make.user()).get("/wallet/transactions").text).lower()
    )


def test_the_wallet_is_linked_from_the_menu(make: Make, sign_in: SignIn) -> None:
    client = sign_in(make.user(account_type=AccountType.PROVIDER))
    for path in ("/account", "/pro", "/privacy"):
        assert 'href="/wallet"' in client.get(path).text, path
    client.cookies.clear()
    assert 'href="/wallet"' not in client.get("/privacy").text


def test_the_wallet_explains_every_figure(
    db: Session, make: Make, rich: User, sign_in: SignIn
) -> None:
    make.purchase(rich, amount=75, note="In May, please")
    with atomic(db):
        for number in range(7):
            db.add(
                PotAward(
                    key=f"q{number}", user_id=rich.id, rule="identity_verified", amount=50,
                    award_class="B", status="queued",
                )
            )  # fmt: skip
        db.add(PotDebt(key="d", user_id=rich.id, owed=13, reason="Undone"))
    words = text_of(sign_in(rich).get("/wallet").text)
    for shown in (
        "Free 225 POT",
        "Held 75 POT",
        "Redeemable now 0 POT $0 in cash",
        "225 POT that are free, and 0 POT that paid commission of your own engagements covers ($0)",
        "Found a hole",
        "Your note: In May, please",
        "350 POT of yours wait in line",
        "And 2 more.",
        "You owe 13 POT",
    ):
        assert shown in words
    assert clawbacks.owed(db, rich.id) == 13


def test_an_order_is_held_once_and_can_be_cancelled(
    db: Session, rich: User, sign_in: SignIn
) -> None:
    client = sign_in(rich)
    start = client.get("/wallet/spend/workshop")
    assert start.status_code == 303
    page = client.get(start.headers["location"])
    assert "From 50 to 500. You have" in page.text
    key = re.search(r'name="key" value="([^"]+)"', page.text)
    assert key
    check = client.get("/wallet/spend/workshop", params={"key": key[1], "amount": "75"})
    assert "75 POT" in text_of(check.text)
    assert "Free afterwards" in check.text
    assert free_and_held(db, rich) == (300, 0)
    for _ in range(2):  # pressed twice
        led_to = order(client, key=key[1], note="In May")
    assert free_and_held(db, rich) == (225, 75)
    receipt = text_of(client.get(led_to).text)
    assert "Workshop: ordered" in receipt
    assert "75 POT are held until we deliver" in receipt
    back = client.get("/wallet/spend/workshop", params={"key": key[1], "amount": "75"})
    assert back.headers["location"] == led_to  # the Back button leads to the receipt
    (bought,) = shop_queries.purchases(db, rich.id)
    assert (bought.note, bought.status) == ("In May", "ordered")
    for _ in range(2):  # pressed twice
        cancelled = client.post(f"/wallet/purchases/{bought.id}/cancel")
        assert cancelled.headers["location"] == "/wallet?saved=cancelled"
    assert "is cancelled" in client.get("/wallet?saved=cancelled").text
    assert free_and_held(db, rich) == (300, 0)


def test_an_amount_in_the_address_is_kept_when_the_key_is_added(
    rich: User, sign_in: SignIn
) -> None:
    client = sign_in(rich)
    led_to = client.get("/wallet/spend/workshop?amount=75%26").headers["location"]
    assert re.fullmatch(r"/wallet/spend/workshop\?key=[\w-]{22}&amount=75%26", led_to)
    led_to = client.get("/wallet/spend/workshop?amount=75").headers["location"]
    assert "Free afterwards" in client.get(led_to).text


def test_a_fixed_price_needs_no_amount(db: Session, make: Make, sign_in: SignIn) -> None:
    person = make.buyer(500)
    client = sign_in(person)
    page = client.get("/wallet/spend/consulting", params={"key": KEY})
    assert "500 POT" in text_of(page.text)
    assert "instead of $500" in text_of(page.text)
    order(client, "consulting", amount="")
    assert free_and_held(db, person) == (0, 500)


def test_missing_pot_are_shown_with_ways_to_earn(db: Session, rich: User, sign_in: SignIn) -> None:
    client = sign_in(rich)
    page = client.get("/wallet/spend/consulting", params={"key": KEY})
    assert page.status_code == 200
    words = text_of(page.text)
    assert "Missing 200 POT" in words or "Missing 199 POT" in words
    assert "How to earn the rest" in words
    assert "Have your identity verified. +50 POT" in words
    assert "Order for" not in words
    refused = client.post("/wallet/spend/consulting", data={"key": KEY})
    assert refused.status_code == 409
    assert "How to earn the rest" in refused.text
    assert free_and_held(db, rich) == (300, 0)


@pytest.mark.parametrize(
    "amount",
    [
        "-75",
        "0",
        "49",
        "501",
        "75.5",
        "1" + "0" * 30,
        "seventy",
        "\u0667\u0665",
        "75\x00",
        "<b>75</b>",
        " ",
    ],
)
def test_bad_amounts_are_refused_beside_the_field(
    db: Session, rich: User, sign_in: SignIn, amount: str
) -> None:
    client = sign_in(rich)
    shown = client.get("/wallet/spend/workshop", params={"key": KEY, "amount": amount})
    sent = client.post("/wallet/spend/workshop", data={"key": KEY, "amount": amount})
    for answer in (shown, sent):
        assert answer.status_code == 422
        assert 'href="#amount"' in answer.text
        assert "whole number of POT from 50 to 500" in answer.text
        assert "<b>75" not in answer.text
    assert free_and_held(db, rich) == (300, 0)


def test_other_bad_orders_are_refused(db: Session, rich: User, make: Make, sign_in: SignIn) -> None:
    other = make.buyer(100)
    other_purchase = make.purchase(other, amount=75)
    client = sign_in(rich)
    good = {"key": KEY, "amount": "75"}
    for path, form, status in (
        ("/wallet/spend/workshop", {}, 422),  # no key
        ("/wallet/spend/workshop", {**good, "key": "short"}, 422),
        ("/wallet/spend/workshop", {**good, "key": "ä" * 20}, 422),
        ("/wallet/spend/workshop", {**good, "note": "bell\x07"}, 422),
        ("/wallet/spend/workshop", {**good, "note": "n" * 301}, 422),
        ("/wallet/spend/consulting", {**good, "amount": "1"}, 409),
        ("/wallet/spend/yacht", good, 404),
        ("/wallet/spend/analytics_month", good, 404),
        ("/wallet/spend/premium_match", {"key": KEY}, 409),
        (f"/wallet/purchases/{other_purchase.id}/cancel", {}, 404),
        (f"/wallet/purchases/{other_purchase.id}/stop-renewing", {}, 404),
        (f"/wallet/purchases/{10**30}/cancel", {}, 404),
        ("/wallet/purchases/0/stop-renewing", {}, 404),
    ):
        assert client.post(path, data=form).status_code == status, (path, form)
    assert client.get("/wallet/spend/yacht").status_code == 404
    assert client.get("/wallet/spend/premium_match").headers["location"] == "/matches"
    assert client.get(f"/wallet?bought={other_purchase.id}").status_code == 200
    assert "Workshop: ordered" not in client.get(f"/wallet?bought={other_purchase.id}").text
    assert client.get(f"/wallet?bought={10**14}").status_code == 200
    assert free_and_held(db, rich) == (300, 0)
    assert free_and_held(db, other) == (25, 75)


def test_a_key_with_another_order_is_refused(db: Session, rich: User, sign_in: SignIn) -> None:
    client = sign_in(rich)
    order(client)
    for path, amount in (("workshop", "80"), ("event", "100")):
        answer = client.post(f"/wallet/spend/{path}", data={"key": KEY, "amount": amount})
        assert answer.status_code == 409
        assert "There is a problem" in answer.text
    assert free_and_held(db, rich) == (225, 75)


def test_a_renewal_can_be_stopped(db: Session, make: Make, sign_in: SignIn) -> None:
    person = make.user(account_type=AccountType.PROVIDER)
    with atomic(db):
        running = PotPurchase(
            key="r", user_id=person.id, option="profile_boost_month", amount=500, status="active",
            renews=True, ends_at=now() + timedelta(days=9),
        )  # fmt: skip
        db.add(running)
    client = sign_in(person)
    assert "Renews on" in client.get("/wallet").text
    for _ in range(2):
        stopped = client.post(f"/wallet/purchases/{running.id}/stop-renewing")
        assert stopped.headers["location"] == "/wallet?saved=ends"
    page = client.get("/wallet?saved=ends").text
    assert "Runs until" in page
    assert "Stop renewing" not in page


@pytest.fixture
def busy(db: Session, make: Make) -> User:
    """A person with 60 daily awards, and orders on the day after."""
    person = make.user()
    start = now().replace(hour=12) - timedelta(days=60)
    for day in range(60):
        with clock.frozen(start + timedelta(days=day)):
            make.pot(person, 5, "match_feedback", description="=SUM(A1)" if day == 0 else None)
    with clock.frozen(start + timedelta(days=60)):
        delivered = make.purchase(person, "charity_burn", amount=20)
        shop.cancel(db, make.purchase(person, "charity_burn", amount=30).id)
        shop.deliver(db, delivered.id)
    return person


@pytest.mark.both_databases
def test_the_statement_pages_by_cursor(busy: User, sign_in: SignIn) -> None:
    client = sign_in(busy)
    first = client.get("/wallet/transactions")
    assert first.text.count('scope="row"') == 50
    older = re.search(r'href="(/wallet/transactions\?cursor=[^"]+)"', first.text)
    assert older
    second = client.get(older[1])
    assert second.text.count('scope="row"') in (14, 15)
    assert "Older" not in second.text
    assert "Newest" in second.text
    words = text_of(first.text)
    for shown in ("Held", "Released", "Given to charity out of what was held"):
        assert shown in words
    assert client.get("/wallet/transactions?cursor=nonsense").status_code == 422


@pytest.mark.both_databases
def test_the_statement_is_filtered_and_downloads_the_same(busy: User, sign_in: SignIn) -> None:
    client = sign_in(busy)
    first, last = (now().date() - timedelta(days=days) for days in (60, 58))
    chosen = {"kind": "earn", "from": str(first), "to": str(last)}
    page = client.get("/wallet/transactions", params=chosen)
    assert page.text.count('scope="row"') == 3
    assert "transactions.csv?kind=earn&amp;from=" in page.text
    answer = client.get("/wallet/transactions.csv", params=chosen)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [row["pot"] for row in rows] == ["5", "5", "5"]
    assert rows[-1]["description"] == "'=SUM(A1)"
    assert (rows[-1]["free_after"], rows[-1]["kind"]) == ("5", "earn")
    everything = list(csv.DictReader(client.get("/wallet/transactions.csv").text.splitlines()))
    order_rows = [
        (row["kind"], row["phase"], row["pot"]) for row in everything if row["phase"] != "direct"
    ]
    assert order_rows == [
        ("burn", "post", "-20"),
        ("release", "void", "30"),
        ("hold", "hold", "-30"),
        ("hold", "hold", "-20"),
    ]
    nothing = client.get("/wallet/transactions?kind=redeem")
    assert "Nothing of this kind in these days" in text_of(nothing.text)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=mint", "kind"),
        ("kind=%27%3B--", "kind"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-03-02&to=2026-03-01", "to"),
    ],
)
def test_bad_filters_are_named(busy: User, sign_in: SignIn, query: str, field: str) -> None:
    client = sign_in(busy)
    page = client.get(f"/wallet/transactions?{query}")
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert client.get(f"/wallet/transactions.csv?{query}").status_code == 422
    assert client.get("/wallet/transactions?from=0001-01-01&to=9999-12-31").status_code == 200


@pytest.mark.parametrize("kind", list(AccountType))
def test_every_rule_and_option_is_listed_for_everybody(
    make: Make, sign_in: SignIn, kind: AccountType
) -> None:
    client = sign_in(make.user(account_type=kind))
    earn, spend = (
        text_of(client.get("/wallet/earn").text),
        text_of(client.get("/wallet/spend").text),
    )
    assert [rule.name for rule in EARNINGS if rule.how.replace("'", "&#39;") not in earn] == []
    assert [
        option.name for option in SPENDINGS if option.title.replace("'", "&#39;") not in spend
    ] == []
    offered = earn.split("Not open yet")[0]
    assert ("Publish when you are available." in offered) == (kind in ("provider", "both"))
    assert ("questions and confirm your e-mail address." in offered) == (kind in ("seeker", "both"))


def test_earning_shows_what_is_left_of_each_cap(db: Session, make: Make, sign_in: SignIn) -> None:
    person = make.user()
    with atomic(db):
        for key, rule in (("a", "seeker_profile_creation"), ("b", "login_streak_30")):
            db.add(
                PotAward(
                    key=key, user_id=person.id, rule=rule, amount=25, award_class="B",
                    status="paid", earned_at=now(), paid_at=now(),
                )
            )  # fmt: skip
    words = text_of(sign_in(person).get("/wallet/earn").text)
    assert "First need described 25 Done" in words
    assert "Thirty days&#39; visits 30 None left this month" in words
    assert "Second factor kept 25 Once" in words
    assert "Rating given 10 8 of 8 this month" in words
