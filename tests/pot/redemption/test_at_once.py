"""Many requests, approvals and payouts at the same moment: exactly what is affordable happens."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.core.errors import DomainError
from imatch.facts.marketplace import EngagementReversed
from imatch.ledger import InsufficientFunds
from imatch.pot.redemption import payouts
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as reserve
from imatch.pot.reserve.coverage import coverage
from imatch.pot.reserve.models import PotCommission
from tests.pot.redeeming import Redeeming, make_due

BANK = "bank_transfer"
AT_ONCE = 50
pytestmark = pytest.mark.usefixtures("cash_redemption_on")


@pytest.fixture
def at_once(new_session: Callable[[], Session]) -> Callable[..., Counter[str]]:
    """What becomes of the act when many do it at the same moment, each with its number."""

    def tried(act: Callable[[Session, int], object]) -> Counter[str]:
        def one(number: int) -> str:
            with new_session() as session:
                try:
                    act(session, number)
                except DomainError as refusal:
                    return type(refusal).__name__
            return "done"

        with ThreadPoolExecutor(16) as pool:
            return Counter(pool.map(one, range(AT_ONCE)))

    return tried


def test_fifty_filings_of_one_balance(
    db: Session, redeeming: Redeeming, at_once: Callable[..., Counter[str]]
) -> None:
    person = redeeming.person()
    redeeming.earn(person, 1_050)
    person_id = person.id
    db.rollback()
    outcomes = at_once(
        lambda session, number: redemptions.file(session, person_id, 100, BANK, key=str(number))
    )
    assert outcomes == {"done": 10, InsufficientFunds.__name__: 40}
    db.rollback()
    assert redeeming.pot(person) == 50


def test_fifty_requests_keep_limits_and_allowance(
    db: Session, redeeming: Redeeming, at_once: Callable[..., Counter[str]]
) -> None:
    person = redeeming.redeemer(pot=5_000, covered_pot=5_000)
    person_id = person.id
    db.rollback()
    outcomes = at_once(
        lambda session, number: redemptions.request(session, person_id, 100, BANK, key=str(number))
    )
    assert outcomes == {"done": 2, "NotRedeemable": 48}  # of 250 a day
    db.rollback()
    assert redeeming.pot(person) == 4_800
    assert redeeming.allowance(person) == 4_800 * 80


def test_one_key_pressed_fifty_times(
    db: Session, redeeming: Redeeming, at_once: Callable[..., Counter[str]]
) -> None:
    person = redeeming.redeemer()
    person_id = person.id
    db.rollback()
    outcomes = at_once(
        lambda session, _number: redemptions.request(session, person_id, 100, BANK, key="a")
    )
    assert outcomes == {"done": AT_ONCE}
    db.rollback()
    assert redeeming.pot(person) == 900


def test_a_request_goes_one_way(
    db: Session, redeeming: Redeeming, at_once: Callable[..., Counter[str]]
) -> None:
    """Paid, cancelled and rejected at once: one of them, and the books say which."""
    person = redeeming.redeemer()
    request = redemptions.request(db, person.id, 100, BANK, key="a")
    redemptions.approve(db, request.id, redeeming.operator.id)
    make_due(db, request)
    payer, other = redeeming.second_operator.id, redeeming.operator.id
    person_id, request_id = person.id, request.id
    db.rollback()

    def act(session: Session, number: int) -> object:
        if number % 3 == 0:
            return payouts.mark_paid(session, request_id, payer, f"B-{number}")
        if number % 3 == 1:
            return redemptions.cancel(session, person_id, request_id)
        return redemptions.reject(session, request_id, other, "No.")

    outcomes = at_once(act)
    db.rollback()
    db.refresh(request)
    # Cancelling what is cancelled is no error.
    assert outcomes["done"] == 1 or request.status == "cancelled"
    assert outcomes["done"] + outcomes["RedemptionDecided"] == AT_ONCE
    paid = request.status == "paid"
    assert redeeming.pot(person) == (900 if paid else 1_000)
    assert redeeming.allowance(person) == (900 if paid else 1_000) * 80
    assert redeeming.books().get("paid_out", 0) == (8_000 if paid else 0)


def test_clearing_and_reversal_at_once(
    db: Session, redeeming: Redeeming, at_once: Callable[..., Counter[str]]
) -> None:
    """Every commission ends either cleared or reversed, and the reserve covers what is promised."""
    facts = [redeeming.paid(days_ago=200) for _ in range(10)]
    db.rollback()

    def act(session: Session, number: int) -> object:
        if number % 2:
            return reserve.clear_due(session)
        fact = facts[number // 2 % 10]
        if fact.engagement_id % 2:
            return None
        reserve.on_engagement_reversed(session, EngagementReversed(fact.engagement_id, "x"))
        return None

    assert at_once(act) == {"done": AT_ONCE}
    db.rollback()
    reserve.clear_due(db)
    states = Counter(db.scalars(select(PotCommission.status)))
    assert states == {"cleared": 5, "reversed": 5}
    found = coverage(db)
    assert found.allowances.cents == 5 * 3_500
    assert found.reserve.cents >= found.allowances.cents
