"""Purchases charge or hold POT once; cancelled and refunded ones return it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.clock import frozen
from imatch.core.events import listen
from imatch.facts.economy import OptionEnded, OptionPurchased
from imatch.ledger import POT
from imatch.ledger.errors import KeyReused
from imatch.ledger.queries import account, free
from imatch.mail.models import MailMessage
from imatch.pot.errors import InsufficientPot
from imatch.pot.shop import queries as shop_queries
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import SPENDINGS
from imatch.pot.tasks import settle_purchases
from tests.factories import Make

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_charge_burns_and_is_announced(db: Session, make: Make) -> None:
    user_id = make.buyer().id
    heard: list[OptionPurchased] = []
    listen(OptionPurchased, lambda _db, fact: heard.append(fact))
    purchase = shop.buy(
        db, user_id, "premium_match", key="1", reference_type="seeker", reference_id=3
    )
    assert (purchase.status, purchase.amount, free(db, POT, user_id)) == ("active", 100, 900)
    assert [(fact.purchase_id, fact.reference_id) for fact in heard] == [(purchase.id, 3)]


def test_buying_is_idempotent_by_key(db: Session, make: Make) -> None:
    user_id = make.buyer().id
    first = shop.buy(db, user_id, "re_match", key="1")
    assert shop.buy(db, user_id, "re_match", key="1").id == first.id
    assert free(db, POT, user_id) == 950
    with pytest.raises(KeyReused):
        shop.buy(db, user_id, "premium_match", key="1")


def test_a_refused_charge_changes_nothing(db: Session, make: Make) -> None:
    user_id = make.buyer(99).id
    with pytest.raises(InsufficientPot, match="Required: 100, Available: 99"):
        shop.buy(db, user_id, "premium_match", key="1")
    assert shop_queries.purchases(db, user_id) == []


@pytest.mark.parametrize("option", ["nothing", "", *(s.name for s in SPENDINGS if not s.offered)])
def test_options_not_offered_are_refused(db: Session, make: Make, option: str) -> None:
    with pytest.raises(shop.NotOffered):
        shop.buy(db, make.buyer().id, option, key="1")


@pytest.mark.parametrize(
    ("option", "amount"), [("workshop", 49), ("workshop", 501), ("re_match", 1)]
)
def test_wrong_prices_are_refused(db: Session, make: Make, option: str, amount: int) -> None:
    with pytest.raises(shop.WrongPrice):
        shop.buy(db, make.buyer().id, option, key="1", amount=amount)


def test_an_order_is_held_until_it_is_delivered(db: Session, make: Make) -> None:
    user_id = make.buyer().id
    order = shop.buy(db, user_id, "workshop", key="1", amount=120)
    ordered = account(db, POT, user_id)
    assert ordered is not None
    assert (ordered.balance, ordered.held) == (1_000, 120)
    assert [row.id for row in shop_queries.open_orders(db)] == [order.id]
    shop.deliver(db, order.id, note="Seat 12")
    paid = account(db, POT, user_id)
    assert paid is not None
    assert (paid.balance, paid.held) == (880, 0)
    with pytest.raises(shop.PurchaseSettled):
        shop.cancel(db, order.id)


def test_only_the_buyer_cancels_an_order(db: Session, make: Make) -> None:
    user_id, other_id = make.buyer().id, make.buyer().id
    order = shop.buy(db, user_id, "consulting", key="1")
    with pytest.raises(shop.PurchaseNotFound):
        shop.cancel(db, order.id, user_id=other_id)
    assert shop.cancel(db, order.id, user_id=user_id).status == "cancelled"
    assert free(db, POT, user_id) == 1_000


def test_cancelling_is_idempotent(db: Session, make: Make) -> None:
    """A client repeats the request if the network lost the response."""
    user_id = make.buyer().id
    order = shop.buy(db, user_id, "consulting", key="1")
    for _again in range(2):
        assert shop.cancel(db, order.id, user_id=user_id).status == "cancelled"
    assert shop.cancel(db, order.id).status == "cancelled"
    assert (free(db, POT, user_id), letters(db)) == (1_000, [])
    with pytest.raises(shop.PurchaseSettled):
        shop.deliver(db, order.id)


def test_an_overdue_order_returns_its_pot(db: Session, make: Make) -> None:
    user_id = make.buyer().id
    with frozen(NOON):
        shop.buy(db, user_id, "rush_match", key="1")
    with frozen(NOON + timedelta(hours=23)):
        assert shop.settle_due(db) == 0
    with frozen(NOON + timedelta(hours=24)):
        assert shop.settle_due(db) == 1
    assert free(db, POT, user_id) == 1_000


def test_a_span_runs_renews_and_ends(db: Session, make: Make) -> None:
    provider = make.provider()
    user_id = provider.user_id
    make.pot(user_id)
    ended: list[OptionEnded] = []
    listen(OptionEnded, lambda _db, fact: ended.append(fact))
    with frozen(NOON):
        shop.buy(
            db,
            user_id,
            "profile_boost_month",
            key="1",
            reference_type="provider",
            reference_id=provider.id,
            renews=True,
        )
        until = NOON + timedelta(days=30)
        assert shop_queries.active(db, "profile_boost_month", "provider") == {provider.id: until}
    with frozen(until):
        assert shop.settle_due(db) == 1
        assert shop_queries.active(db, "profile_boost_month", "provider") == {
            provider.id: until + timedelta(days=30)
        }
        assert (free(db, POT, user_id), ended) == (0, [])
    with frozen(until + timedelta(days=30)):
        shop.settle_due(db)
        assert shop_queries.active(db, "profile_boost_month", "provider") == {}
    assert [fact.reference_id for fact in ended] == [provider.id]


def test_a_second_span_follows_the_first(db: Session, make: Make) -> None:
    provider = make.provider()
    user_id = provider.user_id
    make.pot(user_id)
    with frozen(NOON):
        first, second = (
            shop.buy(
                db,
                user_id,
                "featured_listing_week",
                key=key,
                reference_type="provider",
                reference_id=provider.id,
            )
            for key in "ab"
        )
    assert second.starts_at == first.ends_at == NOON + timedelta(days=7)


def test_a_refund_returns_all_pot_once(db: Session, make: Make) -> None:
    user_id = make.buyer().id
    purchase = shop.buy(db, user_id, "premium_match", key="1")
    shop.refund(db, purchase.id, reason="It showed nobody")
    wallet = account(db, POT, user_id)
    assert wallet is not None
    assert (free(db, POT, user_id), shop_queries.purchases(db, user_id)[0].status) == (
        1_000,
        "refunded",
    )
    with pytest.raises(shop.PurchaseSettled):
        shop.refund(db, purchase.id, reason="Again")


def test_a_key_with_another_note_is_refused(db: Session, make: Make) -> None:
    user_id = make.buyer().id
    first = shop.buy(db, user_id, "workshop", key="1", note="A seat at the front")
    with pytest.raises(KeyReused):
        shop.buy(db, user_id, "workshop", key="1", note="A seat at the back")
    assert shop.buy(db, user_id, "workshop", key="1", note="A seat at the front").id == first.id
    assert free(db, POT, user_id) == 950


def letters(db: Session) -> list[str]:
    return list(db.scalars(select(MailMessage.subject).order_by(MailMessage.id)))


def test_buyers_get_letters_about_their_orders(db: Session, make: Make) -> None:
    user_id = make.buyer().id
    with frozen(NOON):
        delivered = shop.buy(db, user_id, "consulting", key="1")
        shop.buy(db, user_id, "rush_match", key="2")
        own = shop.buy(db, user_id, "workshop", key="3")
        shop.cancel(db, own.id, user_id=user_id)
        shop.deliver(db, delivered.id, note="Tuesday at nine")
    with frozen(NOON + timedelta(days=1)):
        settle_purchases()
    assert letters(db) == [
        "Delivered: An hour of consulting",
        "Your POT are back: Matched by hand within a day",
    ]
    texts = db.scalars(select(MailMessage.text).order_by(MailMessage.id)).all()
    assert "Tuesday at nine" in texts[0]
    assert "200 POT" in texts[1]


def test_a_renewal_that_cannot_be_paid_ends_with_a_letter(db: Session, make: Make) -> None:
    owner = make.provider()
    user_id = owner.user_id
    make.pot(user_id, 300)
    with frozen(NOON):
        shop.buy(
            db,
            user_id,
            "featured_listing_week",
            key="1",
            reference_type="provider",
            reference_id=owner.id,
            renews=True,
        )
    with frozen(NOON + timedelta(days=7)):
        settle_purchases()
        db.rollback()
        assert shop_queries.active(db, "featured_listing_week", "provider") == {}
    assert letters(db) == ["Not renewed: Featured for a week"]
    assert "300 POT are missing" in db.scalars(select(MailMessage.text)).one()
    ended = shop_queries.purchases(db, user_id)
    assert [(purchase.status, purchase.renews) for purchase in ended] == [("delivered", False)]
