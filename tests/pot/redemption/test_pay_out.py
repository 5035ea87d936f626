"""A second operator pays approved redemptions once, when they are due and covered."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly
from imatch.accounts.models import User
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
from tests.pot.redeeming import IBAN, Redeeming, make_due
from tests.support.settings import settings

BANK = "bank_transfer"
pytestmark = pytest.mark.usefixtures("cash_redemption_on")


def approved(redeeming: Redeeming, person: User, pot: int, key: str = "a") -> PotRedemption:
    request = redemptions.request(redeeming.db, person.id, pot, BANK, key=key)
    redemptions.approve(redeeming.db, request.id, redeeming.operator.id)
    make_due(redeeming.db, request)
    return request


def pay(redeeming: Redeeming, request: PotRedemption, reference: str = "B-1") -> None:
    payouts.mark_paid(redeeming.db, request.id, redeeming.second_operator.id, reference)


def test_a_payout_takes_the_same_cents_from_allowance_and_reserve(
    db: Session, redeeming: Redeeming
) -> None:
    person = redeeming.redeemer(pot=1_000, covered_pot=500)
    before = redeeming.books()
    request = approved(redeeming, person, 250)
    for _ in range(2):  # the button pressed twice
        pay(redeeming, request)
    after = redeeming.books()
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
        redeeming.second_operator.id,
        redeeming.operator.id,
    )


def test_paid_redemptions_cannot_change(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer()
    request = approved(redeeming, person, 250)
    pay(redeeming, request)
    books = redeeming.books()
    with pytest.raises(RedemptionDecided, match="paid"):
        pay(redeeming, request, "B-2")
    with pytest.raises(RedemptionDecided):
        redemptions.cancel(db, person.id, request.id)
    with pytest.raises(RedemptionDecided):
        redemptions.reject(db, request.id, redeeming.operator.id, "No.")
    assert redeeming.books() == books


def test_the_approver_cannot_pay(db: Session, redeeming: Redeeming) -> None:
    request = approved(redeeming, redeeming.redeemer(), 250)
    with pytest.raises(SecondPersonNeeded):
        payouts.mark_paid(db, request.id, redeeming.operator.id, "B-1")
    with pytest.raises(OperatorsOnly):
        payouts.mark_paid(db, request.id, request.user_id, "B-1")
    assert payouts.bank_export(db, redeeming.operator.id).count("\n") == 1
    with pytest.raises(IntegrityError):  # a constraint of the database
        _pay_oneself(db, request)
    assert request.status == "approved"


def _pay_oneself(db: Session, request: PotRedemption) -> None:
    with atomic(db):
        request.paid_by = request.decided_by


def test_a_payout_waits_until_it_is_due(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer()
    with time_machine.travel(now(), tick=False) as clock:
        begun = now()
        request = redemptions.request(db, person.id, 250, BANK, key="a")
        with pytest.raises(RedemptionDecided, match="pending"):
            pay(redeeming, request)
        redemptions.approve(db, request.id, redeeming.operator.id)
        clock.move_to(begun + timedelta(days=7, seconds=-1))
        with pytest.raises(NotPayableYet, match="due on"):
            pay(redeeming, request)
        assert payouts.payable(db) == []
        clock.move_to(begun + timedelta(days=7))
        pay(redeeming, request)


def test_new_details_postpone_payouts_by_14_days(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer()
    with time_machine.travel(now(), tick=False):
        request = approved(redeeming, person, 100)
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
        later = redemptions.request(db, person.id, 100, BANK, key="b")
        assert later.due_at == now() + timedelta(days=14)
    with time_machine.travel(now() + timedelta(days=10), tick=False):
        last = redemptions.request(db, person.id, 100, BANK, key="c")
        assert last.due_at == now() + timedelta(days=7)


def test_bank_export(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer(name="José Ñandú-Example")
    request = approved(redeeming, person, 125)
    redemptions.request(db, redeeming.redeemer().id, 100, BANK, key="b")  # not approved
    text = payouts.bank_export(db, redeeming.second_operator.id)
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
    assert payouts.bank_export(db, redeeming.second_operator.id) == text
    # After the export neither the request nor the payee can change.
    with pytest.raises(RedemptionDecided, match="on its way"):
        redemptions.cancel(db, person.id, request.id)
    with pytest.raises(payees.PayoutUnderWay):
        payees.save(
            db, person.id, name=person.name, country="FR", account="FR1420041010050500013M02606"
        )
    pay(redeeming, request)
    assert payouts.bank_export(db, redeeming.second_operator.id).count("\n") == 1


def test_a_payout_returned_by_the_bank_can_be_rejected(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer()
    request = approved(redeeming, person, 250)
    payouts.bank_export(db, redeeming.second_operator.id)
    redemptions.reject(db, request.id, redeeming.second_operator.id, "The account is closed.")
    assert (redeeming.pot(person), redeeming.allowance(person)) == (1_000, 80_000)


@pytest.mark.parametrize("reference", ["", "  ", "x" * 65, "a\x00b"])
def test_marking_as_paid_needs_a_bank_reference(
    db: Session, redeeming: Redeeming, reference: str
) -> None:
    request = approved(redeeming, redeeming.redeemer(), 250)
    with pytest.raises(Invalid):
        pay(redeeming, request, reference)
    assert request.status == "approved"
    for redemption_id in (0, 10**30, request.id + 1):
        with pytest.raises(RedemptionNotFound):
            payouts.mark_paid(db, redemption_id, redeeming.second_operator.id, "B-1")


def test_a_fraud_hold_stops_what_is_approved(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer()
    request = approved(redeeming, person, 250)
    hold = holds.place_hold(db, person.id, redeeming.operator.id, "Two accounts, one bank.")
    with pytest.raises(NotPayableYet, match="fraud hold"):
        pay(redeeming, request)
    assert payouts.bank_export(db, redeeming.second_operator.id).count("\n") == 1
    holds.lift_hold(db, hold.id, redeeming.second_operator.id)
    pay(redeeming, request)


def test_nothing_new_is_paid_while_redeeming_is_switched_off(
    db: Session, redeeming: Redeeming
) -> None:
    person = redeeming.redeemer()
    with_the_bank = approved(redeeming, person, 100, "a")
    payouts.bank_export(db, redeeming.second_operator.id)
    waiting = approved(redeeming, person, 150, "b")
    with settings(cash_redemption=False):
        assert payouts.payable(db) == [with_the_bank]
        with pytest.raises(NotPayableYet, match="switched off"):
            pay(redeeming, waiting)
        pay(redeeming, with_the_bank)
    assert (with_the_bank.status, waiting.status) == ("paid", "approved")


def test_nothing_is_paid_to_a_closed_account(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer()
    request = approved(redeeming, person, 250)
    deactivate(db, person)
    assert payouts.bank_export(db, redeeming.second_operator.id).count("\n") == 1
    with pytest.raises(NotPayableYet, match="closed"):
        pay(redeeming, request)
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
    redeeming: Redeeming,
    reserve_cents: int,
    state: CoverageState,
    payable_cents: int,
) -> None:
    assert coverage(db).state is CoverageState.NORMAL
    assert coverage(db).ratio is None
    redeeming.paid(commission_cents=285_716, days_ago=200)
    clearing.clear_due(db)
    current = coverage(db)
    assert current.allowances.cents == 100_000
    redeeming.lose(current.reserve.cents - reserve_cents)
    current = coverage(db)
    assert (current.reserve.cents, current.state, current.payable.cents) == (
        reserve_cents,
        state,
        payable_cents,
    )
    assert current.ratio == reserve_cents / 100_000


def test_throttled_payouts_pay_small_ones_first(db: Session, redeeming: Redeeming) -> None:
    people = [redeeming.redeemer(covered_pot=1_000) for _ in range(3)]
    requests = [
        approved(redeeming, person, pot)
        for person, pot in zip(people, (100, 120, 110), strict=True)
    ]
    current = coverage(db)
    redeeming.lose(current.reserve.cents - current.allowances.cents * 9 // 10)
    assert coverage(db).state is CoverageState.THROTTLED
    reserve = coverage(db).reserve.cents
    assert 8_000 < reserve * 5 // 100 < 8_000 + 8_800 + 9_600
    assert payouts.payable(db) == [requests[0]]
    with pytest.raises(NotPayableYet, match="smaller ones first"):
        pay(redeeming, requests[2])
    with time_machine.travel(now(), tick=False) as clock:
        pay(redeeming, requests[0])
        assert payouts.payable(db) == []
        clock.shift(timedelta(days=7))
        assert payouts.payable(db) == [requests[2]]
        pay(redeeming, requests[2])
    assert requests[1].payout_cents == 120 * 80  # it waits; the rate per POT never falls
    assert coverage(db).reserve.cents == reserve - 8_000 - 8_800


def test_nothing_is_paid_while_payouts_pause(db: Session, redeeming: Redeeming) -> None:
    person = redeeming.redeemer()
    request = approved(redeeming, person, 100)
    redeeming.lose(coverage(db).reserve.cents // 2)
    with pytest.raises(NotPayableYet, match="pause"):
        pay(redeeming, request)
    assert payouts.bank_export(db, redeeming.second_operator.id).count("\n") == 1
    waiting = redemptions.request(db, person.id, 100, BANK, key="b")  # a request only waits
    assert waiting.status == "pending"
