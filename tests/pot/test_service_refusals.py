"""POTService refuses invalid arguments with a clear message, and moves nothing."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.core.errors import DomainError
from imatch.pot.errors import BadAmount
from tests.support.balances import pot_rows

pytestmark = pytest.mark.both_databases


def _deep(levels: int) -> dict[str, object]:
    """JSON within JSON, deeper than it can be written."""
    whole: dict[str, object] = {}
    inner = whole
    for _ in range(levels):
        deeper: dict[str, object] = {}
        inner["a"], inner = deeper, deeper
    return whole


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda p, _u: p.award_pot(999, "bug_report"), "User 999 not found"),
        (lambda p, _u: p.spend_pot(999, "premium_match"), "User 999 not found"),
        (lambda p, _u: p.get_user_balance(999), "User 999 not found"),
        (lambda p, _u: p.get_transaction_history(999), "User 999 not found"),
        (lambda p, _u: p.get_user_balance(10**30), f"User {10**30} not found"),
        (lambda p, _u: p.get_user_balance("1"), "User 1 not found"),
        (lambda p, _u: p.award_pot(True, "bug_report"), "User True not found"),
        (lambda p, u: p.award_pot(u, "x"), "Unknown earning category: x"),
        (lambda p, u: p.award_pot(u, None), "Unknown earning category: None"),
        (lambda p, u: p.award_pot(u, ["x"]), "Unknown earning category: ['x']"),
        (lambda p, u: p.spend_pot(u, "x"), "Unknown spending category: x"),
        (lambda p, u: p.spend_pot(u, ["x"]), "Unknown spending category: ['x']"),
        (
            lambda p, u: p.spend_pot(u, "premium_match"),
            "Insufficient POT balance. Required: 100, Available: 10",
        ),
        (
            lambda p, u: p.award_pot(u, "provider_content"),
            "Category provider_content requires amount parameter",
        ),
        (
            lambda p, u: p.award_engagement_bonus(u, "provider", 1),
            "Category provider_engagement_base requires amount parameter",
        ),
        (
            lambda p, u: p.spend_pot(u, "workshop"),
            "Category workshop requires amount parameter",
        ),
        (
            lambda p, u: p.spend_pot(u, "pot_redemption", burn=False),
            "Category pot_redemption requires amount parameter",
        ),
        (lambda p, u: p.award_profile_creation(u, "both"), "account_type is"),
        (lambda p, u: p.award_rating_bonus(u, 1, 6), "A rating has 1 to 5 stars"),
        (lambda p, u: p.award_rating_bonus(u, 1, 4.5), "A rating has 1 to 5 stars"),
        (lambda p, u: p.award_engagement_bonus(u, "provider", 1, -5), "deal's value"),
        (lambda p, u: p.award_engagement_bonus(u, "provider", 1, float("nan")), "deal's value"),
        (lambda p, u: p.award_engagement_bonus(u, "provider", 1, "5"), "deal's value"),
        (lambda p, u: p.charge_profile_boost(u, 1, duration_days=0), "whole number of days"),
        (lambda p, u: p.get_transaction_history(u, limit=0), "limit is"),
        (lambda p, u: p.get_transaction_history(u, limit=10**30), "limit is"),
        (lambda p, u: p.get_transaction_history(u, offset=-1), "offset is"),
        (lambda p, u: p.get_transaction_history(u, offset=10**30), "offset is"),
        (lambda p, u: p.get_transaction_history(u, transaction_type="x"), "transaction_type is"),
        (lambda p, u: p.award_pot(u, "bug_report", key=""), "A key has"),
        (lambda p, u: p.award_pot(u, "bug_report", key="\0"), "NUL"),
        (lambda p, u: p.award_pot(u, "bug_report", key="k" * 201), "A key has"),
        (lambda p, u: p.award_pot(u, "bug_report", description="d" * 301), "A description has"),
        (lambda p, u: p.award_pot(u, "bug_report", reference_type="t" * 33), "reference's type"),
        (lambda p, u: p.award_pot(u, "bug_report", reference_id=10**30), "reference's id"),
        (lambda p, u: p.award_pot(u, "bug_report", metadata=[1]), "metadata is"),
        (lambda p, u: p.award_pot(u, "bug_report", metadata={"a": float("nan")}), "metadata is"),
        (lambda p, u: p.award_pot(u, "bug_report", metadata={"a": object()}), "metadata is"),
        (lambda p, u: p.award_pot(u, "bug_report", metadata={"a": 1, 2: 2}), "metadata is"),
        (lambda p, u: p.award_pot(u, "bug_report", metadata={"a": "\ud800"}), "metadata is"),
        (lambda p, u: p.award_pot(u, "bug_report", metadata=_deep(100_000)), "metadata is"),
        (lambda p, u: p.award_pot(u, "bug_report", description="\ud800"), "A description"),
        (lambda p, u: p.award_pot(u, "bug_report", key="\ud800"), "A key"),
        (
            lambda p, u: p.redeem_pot_for_usd(u, 11),
            "Insufficient POT balance. Required: 11, Available: 10",
        ),
        (lambda p, u: p.redeem_pot_for_usd(u, 10, payment_method="barter"), "barter"),
        (lambda p, _u: p.redeem_pot_for_usd(999, 10), "User 999 not found"),
    ],
)
def test_bad_input_is_told_and_moves_nothing(
    db: Session,
    pot: POTService,
    user_id: int,
    call: Callable[[POTService, int], object],
    text: str,
) -> None:
    pot.award_pot(user_id, "seeker_rating")
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- the text is compared below
        call(pot, user_id)
    assert isinstance(refusal.value, DomainError)
    assert text in str(refusal.value)
    assert len(pot_rows(db)) == 1
    assert pot.get_user_balance(user_id) == 10


@pytest.mark.parametrize("amount", [0, -1, 1.5, 50.0, True, "5", 10**30])
def test_an_amount_is_a_whole_positive_number(
    db: Session, pot: POTService, user_id: int, amount: int
) -> None:
    refusals: tuple[Callable[[], object], ...] = (
        lambda: pot.award_pot(user_id, "bug_report", amount=amount),
        lambda: pot.spend_pot(user_id, "workshop", amount=amount),
        lambda: pot.redeem_pot_for_usd(user_id, amount),
    )
    for refused in refusals:
        with pytest.raises(BadAmount):
            refused()
    assert pot_rows(db) == []
