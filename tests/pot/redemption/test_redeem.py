"""Who may redeem how many POT; refused requests move nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly, UserNotFound
from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import DomainError
from imatch.facts.marketplace import EngagementReversed
from imatch.ledger import InsufficientFunds
from imatch.pot.errors import BadAmount, BadArgument, POTKeyReused
from imatch.pot.models import PotRedemption
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption import service as redemptions
from imatch.pot.redemption.errors import (
    NotRedeemable,
    OwnRedemption,
    RedemptionClosed,
    RedemptionDecided,
    RedemptionNotFound,
    UnknownPaymentMethod,
)
from imatch.pot.redemption.models import PotPayee
from imatch.pot.reserve import service as reserve
from imatch.pot.reserve.models import CommissionStatus, PotCommission
from tests.factories import Make
from tests.factories.redemptions import BANK
from tests.support.balances import allowance_cents, cash_book, free_pot
from tests.support.settings import settings

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("cash_redemption_on")]


def test_redeemable_pot_are_free_and_covered(db: Session, make: Make) -> None:
    person = make.redeemer(pot=300, covered_pot=250)
    standing = redemption_queries.standing(db, person.id)
    assert (standing.free, standing.allowance.cents) == (300, 250 * 80)
    assert (standing.redeemable_now, standing.payout.cents, standing.most) == (250, 20_000, 250)
    assert (standing.open, standing.reasons) == (True, ())
    redemptions.request(db, person.id, 120, BANK, key="a")
    standing = redemption_queries.standing(db, person.id)
    assert (standing.free, standing.held, standing.redeemable_now) == (180, 120, 130)
    assert standing.most == 130  # of 250 a day


def test_a_preview_equals_the_request(db: Session, make: Make) -> None:
    person = make.redeemer()
    with time_machine.travel(now(), tick=False):
        preview = redemptions.preview(db, person.id, 125)
        assert (preview.value.cents, preview.fee.cents, preview.payout.cents) == (
            12_500,
            2_500,
            10_000,
        )
        request = redemptions.request(db, person.id, 125, BANK, key="a")
        assert request.due_at == preview.due_at == now() + timedelta(days=7)
    assert (request.status, request.pot_amount, request.payout_cents) == ("pending", 125, 10_000)
    assert free_pot(db, person) == 875
    assert allowance_cents(db, person) == (1_000 - 125) * 80


def test_requests_are_idempotent_by_key(db: Session, make: Make) -> None:
    person = make.redeemer()
    first = redemptions.request(db, person.id, 100, BANK, key="a")
    assert redemptions.request(db, person.id, 100, BANK, key="a").id == first.id
    assert free_pot(db, person) == 900
    with pytest.raises(POTKeyReused):
        redemptions.request(db, person.id, 101, BANK, key="a")
    other = make.redeemer()
    assert redemptions.request(db, other.id, 101, BANK, key="a").id != first.id


def without_payee(make: Make, person: User) -> None:
    make.db.delete(make.db.get_one(PotPayee, person.id))


def another_name(make: Make, person: User) -> None:
    person.name = "Somebody Else"


def unverified(make: Make, person: User) -> None:
    make.db.get_one(PotPayee, person.id).identity_verified_at = None


def new_account(make: Make, person: User) -> None:
    person.created_at = now() - timedelta(days=60) + timedelta(minutes=1)


def no_second_factor(make: Make, person: User) -> None:
    person.totp_confirmed_at = None


def on_hold(make: Make, person: User) -> None:
    make.fraud_hold(person, by=make.approver)


def nothing_completed(make: Make, person: User) -> None:
    for commission in make.db.query(PotCommission).filter_by(provider_user_id=person.id):
        commission.status = CommissionStatus.REVERSED


GATES = [
    (without_payee, "where your payouts"),
    (another_name, "same name"),
    (unverified, "identity"),
    (new_account, "60 days old"),
    (no_second_factor, "second factor"),
    (on_hold, "on hold"),
    (nothing_completed, "Complete an engagement"),
]


@pytest.mark.parametrize(("close", "words"), GATES)
def test_each_gate_refuses_requests_and_approvals(
    db: Session, make: Make, close: Callable[[Make, User], None], words: str
) -> None:
    person = make.redeemer()
    request = make.redemption(person, 100)
    with atomic(db):
        close(make, person)
    standing = redemption_queries.standing(db, person.id)
    assert not standing.open
    assert [words in reason for reason in standing.reasons].count(True) == 1
    books = cash_book(db)
    for act in (
        lambda: redemptions.request(db, person.id, 100, BANK, key="b"),
        lambda: redemptions.preview(db, person.id, 100),
        lambda: redemptions.approve(db, request.id, make.approver.id),
    ):
        with pytest.raises(RedemptionClosed, match=words):
            act()
    assert (cash_book(db), free_pot(db, person)) == (books, 900)
    assert redemption_queries.of_person(db, person.id) == [request]
    assert request.status == "pending"


def test_nothing_can_be_redeemed_while_switched_off(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 100)
    with settings(cash_redemption=False):
        assert "switched off" in redemption_queries.standing(db, person.id).reasons[0]
        with pytest.raises(RedemptionClosed, match="switched off"):
            redemptions.request(db, person.id, 100, BANK, key="b")
        with pytest.raises(RedemptionClosed, match="switched off"):
            redemptions.approve(db, request.id, make.approver.id)
        redemptions.cancel(db, person.id, request.id)
    assert free_pot(db, person) == 1_000


def test_a_seeker_with_one_engagement_may_redeem_too(db: Session, make: Make) -> None:
    seeker = make.trusted_user()
    make.payee(seeker)
    make.pot(seeker, 100)
    fact = make.commission(seeker=seeker, commission_cents=80_000, days_ago=200)
    reserve.clear_due(db)
    assert redemption_queries.standing(db, seeker.id).redeemable_now == 100
    redemptions.request(db, seeker.id, 100, BANK, key="a")
    reserve.on_engagement_reversed(db, EngagementReversed(fact.engagement_id, "refund"))
    assert redemption_queries.standing(db, seeker.id).redeemable_now == 0


@pytest.mark.parametrize("pot", [1, 99, 251, 301, 1_001, 10**15])
def test_amounts_outside_the_limits_are_refused(db: Session, make: Make, pot: int) -> None:
    person = make.redeemer(pot=300)
    with pytest.raises(NotRedeemable):
        redemptions.request(db, person.id, pot, BANK, key="a")
    assert free_pot(db, person) == 300


@pytest.mark.parametrize("pot", [0, -100, 10**30, 100.0, "100", True, None])
def test_an_amount_is_a_whole_number(db: Session, make: Make, pot: Any) -> None:  # noqa: ANN401
    person = make.redeemer()
    for act in (redemptions.request, redemptions.file):
        with pytest.raises(BadAmount):
            act(db, person.id, pot, BANK, key="a")
    with pytest.raises(BadAmount):
        redemptions.preview(db, person.id, pot)
    assert free_pot(db, person) == 1_000


def test_other_bad_input_is_refused(db: Session, make: Make) -> None:
    person = make.redeemer()
    for method in ("cash", "", "bank_transfer ", None):
        with pytest.raises(UnknownPaymentMethod):
            redemptions.request(db, person.id, 100, method, key="a")  # type: ignore[arg-type]
    for key in ("", "x" * 151, "a\x00b"):
        with pytest.raises(BadArgument):
            redemptions.request(db, person.id, 100, BANK, key=key)
    for user_id in (0, -1, 10**30, 2**62):
        with pytest.raises(UserNotFound):
            redemptions.request(db, user_id, 100, BANK, key="a")
        with pytest.raises(UserNotFound):
            redemption_queries.standing(db, user_id)
    assert free_pot(db, person) == 1_000


@pytest.mark.parametrize(
    ("days", "allowed"), [(1, [(0, 250)]), (30, [(29, 250), (20, 250), (10, 250), (0, 250)])]
)
def test_each_limit_counts_its_own_days(
    db: Session, make: Make, days: int, allowed: list[tuple[int, int]]
) -> None:
    person = make.redeemer(pot=5_000, covered_pot=5_000)
    moment = now()
    for number, (days_ago, pot) in enumerate(allowed):
        with time_machine.travel(moment - timedelta(days=days_ago), tick=False):
            redemptions.request(db, person.id, pot, BANK, key=str(number))
    first = moment - timedelta(days=allowed[0][0])
    with time_machine.travel(first + timedelta(days=days, seconds=-1), tick=False) as clock:
        if days > 1:  # stay below the daily limit
            clock.move_to(first + timedelta(days=days, hours=-1))
        assert redemption_queries.standing(db, person.id).most == 0
        with pytest.raises(NotRedeemable, match=r"\d+ are left"):
            redemptions.request(db, person.id, 100, BANK, key="x")
        clock.move_to(first + timedelta(days=days))
        redemptions.request(db, person.id, 250, BANK, key="x")


def test_the_yearly_limit(db: Session, make: Make) -> None:
    person = make.redeemer(pot=20_000, covered_pot=20_000)
    begun = now()
    with time_machine.travel(begun, tick=False) as clock:
        for number in range(40):
            clock.move_to(begun + timedelta(days=9 * number))
            redemptions.request(db, person.id, 250, BANK, key=str(number))
        clock.move_to(begun + timedelta(days=9 * 40))
        with pytest.raises(NotRedeemable, match="a year"):
            redemptions.request(db, person.id, 100, BANK, key="x")
        clock.move_to(begun + timedelta(days=365))
        redemptions.request(db, person.id, 250, BANK, key="x")


def test_rejected_requests_count_towards_no_limit(db: Session, make: Make) -> None:
    person = make.redeemer()
    first = make.redemption(person, 250)
    redemptions.cancel(db, person.id, first.id)
    second = make.redemption(person, 250)
    redemptions.reject(db, second.id, make.approver.id, "No.")
    assert redemption_queries.standing(db, person.id).most == 250


def test_cancelling_releases_both_holds_once(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250)
    redemptions.approve(db, request.id, make.approver.id)
    for _ in range(2):
        assert redemptions.cancel(db, person.id, request.id).status == "cancelled"
    assert (free_pot(db, person), allowance_cents(db, person)) == (1_000, 80_000)
    with pytest.raises(RedemptionDecided):
        redemptions.approve(db, request.id, make.approver.id)
    with pytest.raises(RedemptionDecided):
        redemptions.reject(db, request.id, make.approver.id, "No.")


def test_requests_of_others_are_not_found(db: Session, make: Make) -> None:
    person, other = make.redeemer(), make.redeemer()
    request = make.redemption(person, 250)
    for user_id, redemption_id in ((other.id, request.id), (person.id, 10**30), (person.id, 0)):
        with pytest.raises(RedemptionNotFound):
            redemptions.cancel(db, user_id, redemption_id)
    assert request.status == "pending"


def test_a_request_is_approved_once(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250)
    redemptions.approve(db, request.id, make.approver.id)
    assert (request.status, request.decided_by) == ("approved", make.approver.id)
    with pytest.raises(RedemptionDecided):
        redemptions.approve(db, request.id, make.payer.id)
    assert allowance_cents(db, person) == 750 * 80


def test_only_other_operators_decide(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250)
    own = make.redeemer(account_type="operator")
    own_request = make.redemption(own, 250)
    acts: tuple[tuple[PotRedemption, User, type[DomainError]], ...] = (
        (request, person, OperatorsOnly),
        (own_request, own, OwnRedemption),
    )
    for row, operator, refusal in acts:
        with pytest.raises(refusal):
            redemptions.approve(db, row.id, operator.id)
        with pytest.raises(refusal):
            redemptions.reject(db, row.id, operator.id, "No.")
        assert row.status == "pending"


def test_filing_holds_pot_only(db: Session, make: Make) -> None:
    person = make.trusted_user()
    make.pot(person, 1_000)
    redemption = redemptions.file(db, person.id, 1_000, BANK, key="a")
    assert redemptions.file(db, person.id, 1_000, BANK, key="a").id == redemption.id
    assert (redemption.status, redemption.payout_cents, free_pot(db, person)) == (
        "pending",
        80_000,
        0,
    )
    with pytest.raises(RedemptionClosed):
        redemptions.approve(db, redemption.id, make.approver.id)
    with pytest.raises(InsufficientFunds):
        redemptions.file(db, person.id, 1, BANK, key="b")


def test_approval_checks_limits_and_allowance_of_filed_requests(db: Session, make: Make) -> None:
    person = make.redeemer(pot=2_000, covered_pot=300)
    large = redemptions.file(db, person.id, 251, BANK, key="a")
    with pytest.raises(NotRedeemable):
        redemptions.approve(db, large.id, make.approver.id)
    redemptions.reject(db, large.id, make.approver.id, "Too much at once.")
    first = redemptions.file(db, person.id, 200, BANK, key="b")
    second = redemptions.file(db, person.id, 150, BANK, key="c")
    with pytest.raises(NotRedeemable):  # together more than a day allows
        redemptions.approve(db, second.id, make.approver.id)
    redemptions.approve(db, first.id, make.approver.id)
    assert allowance_cents(db, person) == 100 * 80
    with atomic(db):
        second.requested_at += timedelta(days=2)
    with pytest.raises(InsufficientFunds):
        redemptions.approve(db, second.id, make.approver.id)
    assert second.status == "pending"


def test_a_rejection_needs_a_reason(db: Session, make: Make) -> None:
    person = make.redeemer()
    request = make.redemption(person, 250)
    for reason in ("", "  ", "x" * 301, "a\x00b"):
        with pytest.raises(DomainError):
            redemptions.reject(db, request.id, make.approver.id, reason)
    assert request.status == "pending"
    redemptions.reject(db, request.id, make.approver.id, "The name is another.")
    assert (request.status, request.reason) == ("rejected", "The name is another.")
    assert free_pot(db, person) == 1_000
