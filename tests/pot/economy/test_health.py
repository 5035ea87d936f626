"""What health calls good follows the policy in force, where it stands for the same number."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType
from imatch.ledger import POT, Movement, SystemAccount, TransactionType, post
from imatch.ledger.models import LedgerAudit
from imatch.ledger.tasks import audit_ledger
from imatch.pot.economy.health import Indicator, State, health
from imatch.pot.policy import service as policy
from imatch.pot.policy import versions
from imatch.pot.reserve import service as reserve
from tests.make import Make
from tests.pot.redeeming import Redeeming

BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)


def figure(db: Session, name: str) -> Indicator:
    return next(one for one in health(db) if one.name == name)


def change(db: Session, make: Make, **edits: object) -> None:
    one, two = (make.user(account_type=AccountType.OPERATOR).id for _ in range(2))
    version = versions.propose(db, operator_id=one, edits=edits, reason="Another course.")
    versions.approve(db, version.id, operator_id=two)


def test_coverage_is_judged_by_the_policy_in_force(db: Session, make: Make) -> None:
    policy.genesis(db)
    redeeming = Redeeming(db, make)
    redeeming.paid(days_ago=200)
    reserve.clear_due(db)
    found = figure(db, "coverage")
    assert (found.value, found.threshold, found.state) == ("1.14", "at least 1.10", State.GOOD)
    change(db, make, normal_coverage=1.25)
    found = figure(db, "coverage")
    assert (found.value, found.threshold, found.state) == ("1.14", "at least 1.25", State.BAD)
    assert "buffer first" in found.note


@pytest.mark.parametrize(
    ("yearly_growth", "threshold", "state"),
    [
        (0.10, "9 to 11 %", State.GOOD),
        (0.05, "4 to 6 %", State.BAD),
        (0.105, "9.5 to 11.5 %", State.GOOD),
        (0.0, "0 to 1 %", State.BAD),
    ],
)
def test_inflation_is_judged_by_the_growth_aimed_at(
    db: Session, make: Make, yearly_growth: float, threshold: str, state: State
) -> None:
    with time_machine.travel(BEGAN, tick=False) as clock:
        policy.genesis(db)
        if yearly_growth != 0.10:
            change(db, make, yearly_growth=yearly_growth)
        clock.shift(timedelta(days=364))
        grown = Movement(
            key="grown",
            system_account=SystemAccount.TREASURY,
            counter_account=SystemAccount.MINT,
            amount=1_000_000,
            transaction_type=TransactionType.MINT,
            category="policy",
        )
        post(db, POT, grown)
        clock.shift(timedelta(days=1))
        found = figure(db, "inflation")
    assert (found.value, found.threshold, found.state) == ("10.0 %", threshold, state)


def test_thresholds_before_there_is_a_policy_are_the_defaults(db: Session) -> None:
    assert figure(db, "coverage").threshold == "at least 1.10"
    assert figure(db, "inflation").threshold == "9 to 11 %"


def test_drift_is_good_only_while_its_audit_is_young(db: Session, make: Make) -> None:
    with time_machine.travel(BEGAN, tick=False) as clock:
        found = figure(db, "drift")
        assert (found.value, found.state) == ("–", State.UNKNOWN)
        assert found.note == "No audit has ended yet."
        audit_ledger()
        db.rollback()
        found = figure(db, "drift")
        assert (found.value, found.state) == ("0 findings", State.GOOD)
        clock.shift(timedelta(days=3, hours=1))
        found = figure(db, "drift")
        assert (found.value, found.state) == ("0 findings", State.BAD)
        assert "ended 2026-01-05 09:00 UTC. It is missed" in found.note


def test_drift_of_one_book_says_nothing_of_the_other(db: Session) -> None:
    audit_ledger()
    db.query(LedgerAudit).filter_by(book="pot").delete()
    assert figure(db, "drift").state == State.UNKNOWN
