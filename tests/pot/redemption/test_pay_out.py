"""A second operator pays approved redemptions once, when they are due and covered."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly
from imatch.accounts.service.administration import deactivate
from imatch.approvals.service import SecondPersonNeeded
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Invalid
from imatch.ledger.models import PotAccount
from imatch.pot import holds
from imatch.pot.models import PotRedemption
from imatch.pot.redemption import payees, payouts
from imatch.pot.redemption import service as redemptions
from imatch.pot.redemption.errors import NotPayableYet, RedemptionDecided, RedemptionNotFound
from imatch.pot.reserve import service as clearing
from imatch.pot.reserve.coverage import CoverageState, coverage
from tests.factories import Make
from tests.factories.redemptions import IBAN
from tests.support.balances import allowance_cents, cash_book, free_pot
from tests.support.settings import settings

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("cash_redemption_on")]


def pay(make: Make, request: PotRedemption, reference: str = "B-1") -> None:
    payouts.mark_paid(make.db, request.id, make.payer.id, reference)


def test_a_payout_takes_the_same_cents_from_allowance_and_reserve(db: Session, make: Make) -> None:
    person = make.redeemer(pot=1_000, covered_pot=500)
    before = cash_book(db)
    request = make.redemption(person, 250, approved=True)
    for _ in range(2):  # the button pressed twice
        pay(make, request)
    after = cash_book(db)
    changed = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    assert {name: cents for name, cents in changed.items() if cents} == {
        "reserve": -20_000,
        "paid_out": 20_000,
        "people": -20_000,
        "allowances": 20_000,
    }
    account = db.get_one(PotAccount, person.id, populate_existing=True)
    assert (account.balance, account.held, account.spent, account.burned) == (750, 0, 0, 0)
    assert (request.status, request.bank_reference) == ("paid", "B-1")
    assert (request.paid_by, request.decided_by) == (
        make.payer.id,
        make.approver.id,
    )


def test_paid_redemptions_cannot_change(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250, approved=True)
    pay(make, request)
    books = cash_book(db)
    with pytest.raises(RedemptionDecided, match="paid"):
        pay(make, request, "B-2")
    with pytest.raises(RedemptionDecided):
        redemptions.cancel(db, person.id, request.id)
    with pytest.raises(RedemptionDecided):
        redemptions.reject(db, request.id, make.approver.id, "No.")
    assert cash_book(db) == books


def test_the_approver_cannot_pay(db: Session, make: Make) -> None:
    request = make.redemption(make.redeemer(), 250, approved=True)
    with pytest.raises(SecondPersonNeeded):
        payouts.mark_paid(db, request.id, make.approver.id, "B-1")
    with pytest.raises(OperatorsOnly):
        payouts.mark_paid(db, request.id, request.user_id, "B-1")
    assert payouts.bank_export(db, make.approver.id).count("\n") == 1
    with pytest.raises(IntegrityError):  # a constraint of the database
        _pay_oneself(db, request)
    assert request.status == "approved"


def _pay_oneself(db: Session, request: PotRedemption) -> None:
    with atomic(db):
        request.paid_by = request.decided_by


def test_a_payout_waits_until_it_is_due(db: Session, make: Make) -> None:
    person = make.redeemer()
    with time_machine.travel(now(), tick=False) as clock:
        begun = now()
        request = make.redemption(person, 250)
        with pytest.raises(RedemptionDecided, match="pending"):
            pay(make, request)
        redemptions.approve(db, request.id, make.approver.id)
        clock.move_to(begun + timedelta(days=7, seconds=-1))
        with pytest.raises(NotPayableYet, match="due on"):
            pay(make, request)
        assert payouts.payable(db) == []
        clock.move_to(begun + timedelta(days=7))
        pay(make, request)


def test_new_details_postpone_payouts_by_14_days(db: Session, make: Make) -> None:
    person = make.redeemer()
    with time_machine.travel(now(), tick=False):
        request = make.redemption(person, 100, approved=True)
        payees.save(
            db,
            person.id,
            name=person.name,
            country="US",
            account="000123456789",
            bank_code="021000021",
        )
        db.refresh(request)
        assert (request.status, request.decided_by) == ("pending", None)
        assert request.due_at == now() + timedelta(days=14)
        later = make.redemption(person, 100)
        assert later.due_at == now() + timedelta(days=14)
    with time_machine.travel(now() + timedelta(days=10), tick=False):
        last = make.redemption(person, 100)
        assert last.due_at == now() + timedelta(days=7)


def test_bank_export(db: Session, make: Make) -> None:
    person = make.redeemer(name="José Ñandú-Example")
    request = make.redemption(person, 125, approved=True)
    make.redemption(make.redeemer())  # not approved
    text = payouts.bank_export(db, make.payer.id)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows == [
        {
            "payee": "José Ñandú-Example",
            "account": IBAN,
            "bank_code": "",
            "country": "DE",
            "amount": "100.00",
            "currency": "USD",
            "reference": f"REDEMPTION-{request.id}",
        }
    ]
    assert payouts.bank_export(db, make.payer.id) == text
    # After the export neither the request nor the payee can change.
    with pytest.raises(RedemptionDecided, match="on its way"):
        redemptions.cancel(db, person.id, request.id)
    with pytest.raises(payees.PayoutUnderWay):
        payees.save(
            db, person.id, name=person.name, country="FR", account="FR1420041010050500013M02606"
        )
    pay(make, request)
    assert payouts.bank_export(db, make.payer.id).count("\n") == 1


def test_a_payout_returned_by_the_bank_can_be_rejected(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250, approved=True)
    payouts.bank_export(db, make.payer.id)
    redemptions.reject(db, request.id, make.payer.id, "The account is closed.")
    assert (free_pot(db, person), allowance_cents(db, person)) == (1_000, 80_000)


@pytest.mark.parametrize("reference", ["", "  ", "x" * 65, "a\x00b"])
def test_marking_as_paid_needs_a_bank_reference(db: Session, make: Make, reference: str) -> None:
    request = make.redemption(make.redeemer(), 250, approved=True)
    with pytest.raises(Invalid):
        pay(make, request, reference)
    assert request.status == "approved"
    for redemption_id in (0, 10**30, request.id + 1):
        with pytest.raises(RedemptionNotFound):
            payouts.mark_paid(db, redemption_id, make.payer.id, "B-1")


def test_a_fraud_hold_stops_what_is_approved(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250, approved=True)
    hold = make.fraud_hold(person, by=make.approver)
    with pytest.raises(NotPayableYet, match="fraud hold"):
        pay(make, request)
    assert payouts.bank_export(db, make.payer.id).count("\n") == 1
    holds.lift_hold(db, hold.id, make.payer.id)
    pay(make, request)


def test_nothing_new_is_paid_while_redeeming_is_switched_off(db: Session, make: Make) -> None:
    person = make.redeemer()
    with_the_bank = make.redemption(person, 100, approved=True)
    payouts.bank_export(db, make.payer.id)
    waiting = make.redemption(person, 150, approved=True)
    with settings(cash_redemption=False):
        assert payouts.payable(db) == [with_the_bank]
        with pytest.raises(NotPayableYet, match="switched off"):
            pay(make, waiting)
        pay(make, with_the_bank)
    assert (with_the_bank.status, waiting.status) == ("paid", "approved")


def test_nothing_is_paid_to_a_closed_account(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250, approved=True)
    deactivate(db, person)
    assert payouts.bank_export(db, make.payer.id).count("\n") == 1
    with pytest.raises(NotPayableYet, match="closed"):
        pay(make, request)
    assert request.status == "approved"


@pytest.mark.parametrize(
    ("reserve_cents", "state", "payable_cents"),
    [
        (110_000, CoverageState.NORMAL, 110_000),
        (109_999, CoverageState.BUFFER_FIRST, 109_999),
        (100_000, CoverageState.BUFFER_FIRST, 100_000),
        (99_999, CoverageState.THROTTLED, 4_999),
        (80_000, CoverageState.THROTTLED, 4_000),
        (79_999, CoverageState.PAUSED, 0),
        (0, CoverageState.PAUSED, 0),
    ],
)
def test_each_state_of_coverage(
    db: Session,
    make: Make,
    reserve_cents: int,
    state: CoverageState,
    payable_cents: int,
) -> None:
    assert coverage(db).state is CoverageState.NORMAL
    assert coverage(db).ratio is None
    make.commission(commission_cents=285_716, days_ago=200)
    clearing.clear_due(db)
    current = coverage(db)
    assert current.allowances.cents == 100_000
    make.lost_reserve(current.reserve.cents - reserve_cents)
    current = coverage(db)
    assert (current.reserve.cents, current.state, current.payable.cents) == (
        reserve_cents,
        state,
        payable_cents,
    )
    assert current.ratio == reserve_cents / 100_000


def test_throttled_payouts_pay_small_ones_first(db: Session, make: Make) -> None:
    people = [make.redeemer(covered_pot=1_000) for _ in range(3)]
    requests = [
        make.redemption(person, pot, approved=True)
        for person, pot in zip(people, (100, 120, 110), strict=True)
    ]
    current = coverage(db)
    make.lost_reserve(current.reserve.cents - current.allowances.cents * 9 // 10)
    assert coverage(db).state is CoverageState.THROTTLED
    reserve = coverage(db).reserve.cents
    assert 8_000 < reserve * 5 // 100 < 8_000 + 8_800 + 9_600
    assert payouts.payable(db) == [requests[0]]
    with pytest.raises(NotPayableYet, match="smaller ones first"):
        pay(make, requests[2])
    with time_machine.travel(now(), tick=False) as clock:
        pay(make, requests[0])
        assert payouts.payable(db) == []
        clock.shift(timedelta(days=7))
        assert payouts.payable(db) == [requests[2]]
        pay(make, requests[2])
    assert requests[1].payout_cents == 120 * 80  # it waits; the rate per POT never falls
    assert coverage(db).reserve.cents == reserve - 8_000 - 8_800


def test_nothing_is_paid_while_payouts_pause(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 100, approved=True)
    make.lost_reserve(coverage(db).reserve.cents // 2)
    with pytest.raises(NotPayableYet, match="pause"):
        pay(make, request)
    assert payouts.bank_export(db, make.payer.id).count("\n") == 1
    waiting = make.redemption(person, 100)  # a request only waits
    assert waiting.status == "pending"
