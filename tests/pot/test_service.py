"""POTService is a contract with programs outside: names, keys, values, movements."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import imatch
from imatch import POTService
from imatch.accounts.models import User
from imatch.ledger import KeyReused
from imatch.ledger.books import POT
from imatch.ledger.queries import system_balances
from imatch.pot.awards.models import PotAward
from tests.factories import Make
from tests.support.balances import pot_rows

pytestmark = pytest.mark.both_databases

AWARD_KEYS = {
    "transaction_id",
    "user_id",
    "amount",
    "category",
    "balance_before",
    "balance_after",
    "created_at",
}
HISTORY_KEYS = {
    "id",
    "amount",
    "transaction_type",
    "category",
    "description",
    "balance_after",
    "created_at",
}


def test_it_is_exported_by_the_package() -> None:
    assert {"POTService", "SessionLocal", "atomic"} <= set(imatch.__all__)
    with pytest.raises(AttributeError):
        imatch.NoSuchThing  # noqa: B018


def test_an_award_says_what_it_did(pot: POTService, user_id: int) -> None:
    result = pot.award_profile_creation(user_id=user_id, account_type="provider")
    assert result.keys() == AWARD_KEYS
    assert (result["user_id"], result["amount"]) == (user_id, 50)
    assert result["category"] == "provider_profile_creation"
    assert (result["balance_before"], result["balance_after"]) == (0, 50)
    assert datetime.fromisoformat(result["created_at"]).tzinfo is not None
    assert result["transaction_id"] == pot.get_transaction_history(user_id)[0]["id"]


def test_a_charge_says_that_it_burned(pot: POTService, user_id: int) -> None:
    pot.award_pot(user_id, "bug_report", amount=150)
    result = pot.charge_premium_match(user_id=user_id, seeker_id=7)
    assert result.keys() == AWARD_KEYS | {"burned"}
    assert (result["amount"], result["burned"]) == (-100, True)
    assert (result["balance_before"], result["balance_after"]) == (150, 50)


CONVENIENCES: list[tuple[str, Callable[[POTService, int], object], str, int, str | None]] = [
    (
        "seeker",
        lambda p, u: p.award_profile_creation(u, "seeker"),
        "seeker_profile_creation",
        25,
        None,
    ),
    ("response", lambda p, u: p.award_first_response(u, 3), "provider_first_response", 25, "match"),
    (
        "deal",
        lambda p, u: p.award_engagement_bonus(u, "provider", 3, 1234.56),
        "provider_engagement_base",
        61,
        "engagement",
    ),
    (
        "cents",
        lambda p, u: p.award_engagement_bonus(u, "provider", 3, 1020.0),
        "provider_engagement_base",
        51,
        "engagement",
    ),
    (
        "first",
        lambda p, u: p.award_engagement_bonus(u, "seeker", 3),
        "seeker_first_engagement",
        100,
        "engagement",
    ),
    ("rater", lambda p, u: p.award_rating_bonus(u, 3, 1), "seeker_rating", 10, "rating"),
    (
        "rated",
        lambda p, u: p.award_rating_bonus(u, 3, 5, is_rater=False),
        "provider_rating_bonus",
        100,
        "rating",
    ),
]


@pytest.mark.parametrize(
    ("call", "category", "amount", "reference"),
    [case[1:] for case in CONVENIENCES],
    ids=[case[0] for case in CONVENIENCES],
)
def test_each_convenience_awards_its_rule(
    db: Session,
    pot: POTService,
    user_id: int,
    call: Callable[[POTService, int], dict[str, object]],
    category: str,
    amount: int,
    reference: str | None,
) -> None:
    result = call(pot, user_id)
    assert (result["category"], result["amount"]) == (category, amount)
    (row,) = pot_rows(db)
    assert (row.reference_type, row.reference_id) == (reference, 3 if reference else None)
    assert (row.transaction_type, row.counter_account) == ("earn", "treasury")


def test_four_stars_earn_the_rated_nothing(db: Session, pot: POTService, user_id: int) -> None:
    assert pot.award_rating_bonus(user_id, 3, 4, is_rater=False) is None
    assert pot_rows(db) == []


def test_a_boost_costs_500(pot: POTService, user_id: int) -> None:
    pot.award_pot(user_id, "bug_report", amount=1600)
    assert pot.charge_profile_boost(user_id, 3)["amount"] == -500
    assert pot.charge_profile_boost(user_id, 3, duration_days=60)["amount"] == -1000


def test_an_explicit_amount_overrides_the_rules(pot: POTService, user_id: int) -> None:
    assert pot.award_pot(user_id, "provider_content", amount=75)["amount"] == 75
    assert pot.spend_pot(user_id, "workshop", amount=60)["amount"] == -60
    assert pot.spend_pot(user_id, "premium_match", amount=5)["amount"] == -5


def test_every_call_without_a_key_is_a_new_movement(
    db: Session, pot: POTService, user_id: int
) -> None:
    for _ in range(3):
        pot.award_pot(user_id, "identity_verified", reference_type="user", reference_id=user_id)
    assert pot.get_user_balance(user_id) == 150
    # It is no award that a cap would count.
    assert list(db.scalars(select(PotAward))) == []


def test_a_key_moves_once_and_is_not_for_something_else(pot: POTService, user_id: int) -> None:
    first = pot.award_pot(user_id, "bug_report", key="report-1")
    assert pot.award_pot(user_id, "bug_report", key="report-1") == first
    with pytest.raises(KeyReused) as refusal:
        pot.award_pot(user_id, "bug_report", amount=7, key="report-1")
    assert isinstance(refusal.value, ValueError)
    assert pot.get_user_balance(user_id) == 100


def test_what_is_not_burned_counts_as_spent(db: Session, pot: POTService, user_id: int) -> None:
    pot.award_pot(user_id, "bug_report", amount=500)
    assert pot.spend_pot(user_id, "premium_match", burn=False)["burned"] is False
    assert pot.spend_pot(user_id, "charity_burn", amount=10)["burned"] is True
    assert pot.spend_pot(user_id, "pot_redemption", amount=40, burn=False)["burned"] is False
    user = db.get_one(User, user_id)
    assert (user.pot_balance, user.total_pot_earned) == (350, 500)
    assert (user.total_pot_spent, user.total_pot_burned) == (150, 10)
    flows = system_balances(db, POT)
    assert (flows["treasury"], flows["burned"], flows["redeemed"]) == (-400, 10, 40)
    assert [row.transaction_type for row in pot_rows(db)] == ["earn", "spend", "burn", "spend"]


def test_a_persons_figures_are_fresh_after_a_call(db: Session, pot: POTService) -> None:
    user = User(email="plain@example.org", name="Plain", account_type="seeker")
    db.add(user)
    db.commit()
    assert (user.pot_balance, user.total_pot_earned) == (0, 0)
    pot.award_pot(user.id, "bug_report")
    assert (user.pot_balance, user.total_pot_earned) == (100, 100)
    pot.spend_pot(user.id, "report_export")
    assert (user.pot_balance, user.total_pot_spent, user.total_pot_burned) == (50, 50, 50)


def test_history_is_paged_newest_first(pot: POTService, user_id: int, make: Make) -> None:
    for amount in range(1, 6):
        pot.award_pot(user_id, "seeker_rating", amount=amount)
    pot.award_pot(make.user().id, "bug_report")
    pot.spend_pot(user_id, "report_export", amount=2, description="A report")
    history = pot.get_transaction_history(user_id)
    assert [transaction["amount"] for transaction in history] == [-2, 5, 4, 3, 2, 1]
    assert all(transaction.keys() == HISTORY_KEYS for transaction in history)
    assert (history[0]["description"], history[0]["balance_after"]) == ("A report", 13)
    assert history[1]["description"] == "Rating given"
    assert pot.get_transaction_history(user_id, limit=2, offset=1) == history[1:3]
    assert pot.get_transaction_history(user_id, transaction_type="spend") == history[:1]
    assert pot.get_transaction_history(user_id, offset=6) == []


def test_the_economy_in_figures(pot: POTService, make: Make) -> None:
    empty = pot.get_economy_stats()
    assert (empty["total_users"], empty["participation_rate"], empty["burn_rate"]) == (
        0,
        "0.0%",
        "0.0%",
    )
    people = [make.user().id for _ in range(10)]
    for person in people[:3]:
        pot.award_pot(person, "bug_report", amount=200)
    pot.charge_premium_match(people[0], 1)
    pot.spend_pot(people[1], "premium_match", burn=False)
    stats = pot.get_economy_stats()
    assert stats["total_users"] == 10
    assert (stats["users_with_pot"], stats["participation_rate"]) == (3, "30.0%")
    assert stats["total_pot_in_circulation"] == 400
    assert stats["total_pot_earned_all_time"] == 600
    assert stats["total_pot_spent_all_time"] == 200
    assert stats["total_pot_burned_all_time"] == 100
    assert stats["burn_rate"] == "16.7%"
    assert stats["transactions_last_7_days"] == 5


def test_a_redemption_is_held_and_pending(db: Session, pot: POTService, user_id: int) -> None:
    pot.award_pot(user_id, "bug_report", amount=1500)
    result = pot.redeem_pot_for_usd(user_id=user_id, pot_amount=1000)
    assert result.keys() == AWARD_KEYS | {"burned", "usd_amount", "payment_method", "status"}
    assert (result["amount"], result["usd_amount"], result["category"]) == (
        -1000,
        800.0,
        "pot_redemption",
    )
    assert (result["payment_method"], result["status"]) == ("bank_transfer", "pending")
    assert (result["balance_before"], result["balance_after"]) == (1500, 500)
    assert result["transaction_id"] == pot.get_transaction_history(user_id)[0]["id"]
    assert pot.get_user_balance(user_id) == db.get_one(User, user_id).pot_balance == 500
    # Every call is a new request.
    assert pot.redeem_pot_for_usd(user_id, 500)["balance_after"] == 0
    assert [row.transaction_type for row in pot_rows(db)] == ["earn", "hold", "hold"]
