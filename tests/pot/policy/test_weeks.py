"""Genesis happens once, every week is decided once, and budgets count what awards cost."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core import clock
from imatch.core.database import atomic
from imatch.ledger import POT, post
from imatch.ledger.queries import system_balances
from imatch.pot.policy import service as policy
from imatch.pot.policy.models import PotPolicyRun, PotPolicyVersion
from imatch.pot.service import POTService
from imatch.pot.tasks import decide_the_weeks_pot
from tests.factories import Make
from tests.factories.movements import earn, spend

pytestmark = pytest.mark.both_databases

MONDAY = date(2026, 1, 5)
GENESIS = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_genesis_mints_once(db: Session) -> None:
    assert policy.genesis(db)
    assert not policy.genesis(db)
    assert policy.supply(db) == policy.Supply(treasury=10_000_000, people=0, gone=0)
    assert policy.current(db) == policy.Numbers()
    assert db.scalar(select(func.count()).select_from(PotPolicyVersion)) == 1


def test_no_week_before_genesis(db: Session) -> None:
    with pytest.raises(policy.NoGenesis):
        policy.run_week(db)
    assert policy.budget(db).total == policy.Numbers().first_weekly_budget


def test_a_week_is_decided_once(db: Session) -> None:
    with clock.frozen(GENESIS):
        policy.genesis(db)
    with clock.frozen(GENESIS + timedelta(days=7)):
        first = policy.run_week(db)
        again = policy.run_week(db)
    assert again.id == first.id
    assert first.week == MONDAY + timedelta(days=7)
    # S is 10,000,000, S* is S · 1.10^(.946/52), b is 0: M = gS + (S* − S − gS)/8.
    assert (first.minted, first.award_budget) == (18_222, 23_076)
    assert policy.supply(db).total == 10_000_000 + first.minted


def test_the_job_decides_once_a_week_also_when_it_comes_late(db: Session) -> None:
    with clock.frozen(GENESIS):
        decide_the_weeks_pot()
        policy.genesis(db)
        decide_the_weeks_pot()
        assert policy.last_run(db) is None
    with clock.frozen(GENESIS + timedelta(days=10)):
        for _hour in range(2):
            decide_the_weeks_pot()
        db.rollback()
        assert [run.week for run in policy.last_runs(db, 5)] == [MONDAY + timedelta(days=7)]


def test_missed_weeks_are_caught_up(db: Session, make: Make) -> None:
    user = make.user()
    with clock.frozen(GENESIS):
        policy.genesis(db)
        post(db, POT, earn(user.id, 8_000, "in"))
        post(db, POT, spend(user.id, 8_000, "out"))
    with clock.frozen(GENESIS + timedelta(days=30)):
        policy.run_week(db)
    runs = db.scalars(select(PotPolicyRun).order_by(PotPolicyRun.week)).all()
    assert [run.week for run in runs] == [MONDAY + timedelta(weeks=n) for n in range(1, 5)]
    assert [run.inputs["left_this_week"] for run in runs] == [2_000] * 4
    assert policy.supply(db).total == 9_992_000 + sum(run.minted for run in runs)


def test_what_left_supply_is_counted_once_and_smoothed(db: Session, make: Make) -> None:
    user = make.user()
    with clock.frozen(GENESIS):
        policy.genesis(db)
        post(db, POT, earn(user.id, 1_000, "in"))
        post(db, POT, spend(user.id, 1_000, "out"))
    leaving = []
    for week in range(1, 6):
        with clock.frozen(GENESIS + timedelta(weeks=week)):
            leaving.append(policy.run_week(db).inputs["leaving"])
    assert leaving[0] == 1_000
    assert leaving[4] == pytest.approx(500, abs=0.01)


def test_a_treasury_overdrawn_by_class_a_is_filled_up(db: Session, make: Make) -> None:
    user = make.user()
    with clock.frozen(GENESIS):
        policy.genesis(db)
        post(db, POT, earn(user.id, 12_000_000, "earn:big", category="provider_engagement_base"))
    with clock.frozen(GENESIS + timedelta(weeks=1)):
        run = policy.run_week(db)
    assert run.inputs["shortfall"] > 1_900_000
    assert system_balances(db, POT)["treasury"] == 0


def test_a_budget_counts_budgeted_and_manual_awards_of_its_week(db: Session, make: Make) -> None:
    user = make.user()
    with clock.frozen(GENESIS):
        policy.genesis(db)
        post(db, POT, earn(user.id, 7, "earn:last week"))
    with clock.frozen(GENESIS + timedelta(weeks=1)):
        policy.run_week(db)
        post(db, POT, earn(user.id, 10, "earn:daily_login:a"))
        post(
            db,
            POT,
            earn(
                user.id,
                400,
                "earn:provider_engagement_base:1:1",
                category="provider_engagement_base",
            ),
        )
        post(db, POT, earn(user.id, 30, "by hand", category="provider_engagement_base"))
        post(db, POT, spend(user.id, 20, "spent"))
        budget = policy.budget(db)
    assert (budget.total, budget.spent, budget.left) == (23_076, 40, 23_036)


def test_a_programs_award_of_class_a_counts_too(db: Session, make: Make) -> None:
    user = make.user()
    pot = POTService(db)
    pot.award_engagement_bonus(user.id, "seeker", engagement_id=1)
    pot.award_engagement_bonus(user.id, "provider", engagement_id=1, deal_value_usd=600)
    assert policy.budget(db).spent == 130


def test_a_budget_counts_on_inside_a_transaction(db: Session, make: Make) -> None:
    user = make.user()
    with clock.frozen(GENESIS), atomic(db):
        policy.genesis(db)
        spent = []
        for number in range(3):
            post(db, POT, earn(user.id, 23_000, f"earn:{number}"))
            budget = policy.budget(db)
            spent.append((budget.spent, budget.left))
    assert spent == [(23_000, 0), (46_000, 0), (69_000, 0)]
    with clock.frozen(GENESIS + timedelta(weeks=1)):
        assert policy.budget(db).spent == 0


def test_a_budget_of_a_transaction_that_failed_is_forgotten(db: Session, make: Make) -> None:
    user = make.user()
    with clock.frozen(GENESIS):
        policy.genesis(db)
        with pytest.raises(KeyError):
            _fail_after_an_award(db, user.id)
        assert policy.budget(db).spent == 0


def _fail_after_an_award(db: Session, user_id: int) -> None:
    with atomic(db):
        post(db, POT, earn(user_id, 5, "earn:a"))
        assert policy.budget(db).spent == 5
        raise KeyError
