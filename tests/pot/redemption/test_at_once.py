"""Concurrent requests, approvals and payouts never exceed balance, limits and allowance."""

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
from tests.factories import Make
from tests.factories.redemptions import BANK
from tests.support.balances import allowance_cents, cash_book, free_pot

SESSIONS = 50
pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("cash_redemption_on")]


@pytest.fixture
def at_once(new_session: Callable[[], Session]) -> Callable[..., Counter[str]]:
    """Run an act in SESSIONS concurrent sessions, each with a number; count the outcomes."""

    def outcomes_of(act: Callable[[Session, int], object]) -> Counter[str]:
        def outcome(number: int) -> str:
            with new_session() as session:
                try:
                    act(session, number)
                except DomainError as refusal:
                    return type(refusal).__name__
            return "done"

        with ThreadPoolExecutor(16) as pool:
            return Counter(pool.map(outcome, range(SESSIONS)))

    return outcomes_of


def test_fifty_filings_of_one_balance(
    db: Session, make: Make, at_once: Callable[..., Counter[str]]
) -> None:
    person = make.trusted_user()
    make.pot(person, 1_050)
    person_id = person.id
    db.rollback()
    outcomes = at_once(
        lambda session, number: redemptions.file(session, person_id, 100, BANK, key=str(number))
    )
    assert outcomes == {"done": 10, InsufficientFunds.__name__: 40}
    db.rollback()
    assert free_pot(db, person) == 50


def test_fifty_requests_keep_limits_and_allowance(
    db: Session, make: Make, at_once: Callable[..., Counter[str]]
) -> None:
    person = make.redeemer(pot=5_000, covered_pot=5_000)
    person_id = person.id
    db.rollback()
    outcomes = at_once(
        lambda session, number: redemptions.request(session, person_id, 100, BANK, key=str(number))
    )
    assert outcomes == {"done": 2, "NotRedeemable": 48}  # of 250 a day
    db.rollback()
    assert free_pot(db, person) == 4_800
    assert allowance_cents(db, person) == 4_800 * 80


def test_fifty_requests_with_one_key_create_one(
    db: Session, make: Make, at_once: Callable[..., Counter[str]]
) -> None:
    person = make.redeemer()
    person_id = person.id
    db.rollback()
    outcomes = at_once(
        lambda session, _number: redemptions.request(session, person_id, 100, BANK, key="a")
    )
    assert outcomes == {"done": SESSIONS}
    db.rollback()
    assert free_pot(db, person) == 900


def test_concurrent_decisions_have_one_outcome(
    db: Session, make: Make, at_once: Callable[..., Counter[str]]
) -> None:
    """Pay, cancel and reject concurrently: exactly one wins, and the books match it."""
    person = make.redeemer()
    request = make.redemption(person, approved=True)
    payer, other = make.payer.id, make.approver.id
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
    # Cancelling is idempotent.
    assert outcomes["done"] == 1 or request.status == "cancelled"
    assert outcomes["done"] + outcomes["RedemptionDecided"] == SESSIONS
    paid = request.status == "paid"
    assert free_pot(db, person) == (900 if paid else 1_000)
    assert allowance_cents(db, person) == (900 if paid else 1_000) * 80
    assert cash_book(db).get("paid_out", 0) == (8_000 if paid else 0)


def test_clearing_and_reversal_at_once(
    db: Session, make: Make, at_once: Callable[..., Counter[str]]
) -> None:
    """Each commission ends cleared or reversed, and the reserve covers all allowances."""
    facts = [make.commission(days_ago=200) for _ in range(10)]
    db.rollback()

    def act(session: Session, number: int) -> object:
        if number % 2:
            return reserve.clear_due(session)
        fact = facts[number // 2 % 10]
        if fact.engagement_id % 2:
            return None
        reserve.on_engagement_reversed(session, EngagementReversed(fact.engagement_id, "x"))
        return None

    assert at_once(act) == {"done": SESSIONS}
    db.rollback()
    reserve.clear_due(db)
    states = Counter(db.scalars(select(PotCommission.status)))
    assert states == {"cleared": 5, "reversed": 5}
    current = coverage(db)
    assert current.allowances.cents == 5 * 3_500
    assert current.reserve.cents >= current.allowances.cents
