"""Health indicators: thresholds follow the current policy version."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from imatch.ledger import POT, post
from imatch.ledger.models import LedgerAudit
from imatch.ledger.tasks import audit_ledger
from imatch.pot.economy.health import Indicator, State, health
from imatch.pot.policy import service as policy
from imatch.pot.reserve import service as reserve
from tests.factories import Make
from tests.factories.movements import mint

pytestmark = pytest.mark.both_databases

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def indicator_named(db: Session, name: str) -> Indicator:
    return next(indicator for indicator in health(db) if indicator.name == name)


def test_the_coverage_threshold_follows_the_policy(db: Session, make: Make) -> None:
    policy.genesis(db)
    make.commission(days_ago=200)
    reserve.clear_due(db)
    indicator = indicator_named(db, "coverage")
    assert (indicator.value, indicator.threshold, indicator.state) == (
        "1.14",
        "at least 1.10",
        State.GOOD,
    )
    make.policy(normal_coverage=1.25)
    indicator = indicator_named(db, "coverage")
    assert (indicator.value, indicator.threshold, indicator.state) == (
        "1.14",
        "at least 1.25",
        State.BAD,
    )
    assert "buffer first" in indicator.note


@pytest.mark.parametrize(
    ("yearly_growth", "threshold", "state"),
    [
        (0.10, "9 to 11 %", State.GOOD),
        (0.05, "4 to 6 %", State.BAD),
        (0.105, "9.5 to 11.5 %", State.GOOD),
        (0.0, "0 to 1 %", State.BAD),
    ],
)
def test_the_inflation_threshold_follows_the_policy(
    db: Session, make: Make, yearly_growth: float, threshold: str, state: State
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        policy.genesis(db)
        if yearly_growth != 0.10:
            make.policy(yearly_growth=yearly_growth)
        clock.shift(timedelta(days=364))
        post(db, POT, mint(1_000_000, "grown"))
        clock.shift(timedelta(days=1))
        indicator = indicator_named(db, "inflation")
    assert (indicator.value, indicator.threshold, indicator.state) == ("10.0 %", threshold, state)


def test_thresholds_before_there_is_a_policy_are_the_defaults(db: Session) -> None:
    assert indicator_named(db, "coverage").threshold == "at least 1.10"
    assert indicator_named(db, "inflation").threshold == "9 to 11 %"


def test_drift_is_good_only_with_a_recent_audit(db: Session, make: Make) -> None:
    with time_machine.travel(START, tick=False) as clock:
        indicator = indicator_named(db, "drift")
        assert (indicator.value, indicator.state) == ("–", State.UNKNOWN)
        assert indicator.note == "No audit has ended yet."
        audit_ledger()
        db.rollback()
        indicator = indicator_named(db, "drift")
        assert (indicator.value, indicator.state) == ("0 findings", State.GOOD)
        clock.shift(timedelta(days=3, hours=1))
        indicator = indicator_named(db, "drift")
        assert (indicator.value, indicator.state) == ("0 findings", State.BAD)
        assert "ended 2026-01-05 09:00 UTC. It is missed" in indicator.note


def test_drift_needs_an_audit_of_both_books(db: Session) -> None:
    audit_ledger()
    db.query(LedgerAudit).filter_by(book="pot").delete()
    assert indicator_named(db, "drift").state == State.UNKNOWN
