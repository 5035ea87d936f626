"""The economy's figures match the books, with and without seals."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from imatch.core.clock import frozen, today
from imatch.ledger import POT
from imatch.ledger.sealing.seals import seal
from imatch.pot.economy import figures as economy
from imatch.pot.economy.health import State, health, inflation
from imatch.pot.policy import service as policy
from imatch.pot.service import POTService
from imatch.pot.shop import service as shop
from tests.factories import Make

pytestmark = pytest.mark.both_databases

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(params=["sealed", "unsealed"])
def spender_id(request: pytest.FixtureRequest, db: Session, make: Make) -> int:
    """Three people and eight days: 150 POT earned, 60 burned, 20 spent without burning."""
    pot = POTService(db)
    first, second, _third = make.user(), make.user(), make.user()
    with frozen(MONDAY):
        policy.genesis(db)
        make.pot(first, 50, "provider_profile_creation")
    with frozen(MONDAY + timedelta(days=6)):
        make.pot(second, 100, "seeker_referral")
        pot.spend_pot(second.id, "re_match", amount=60)
    with frozen(MONDAY + timedelta(days=7, hours=4)):
        pot.spend_pot(first.id, "workshop", amount=20, burn=False)
    if request.param == "sealed":
        seal(db, POT)
    return first.id


@pytest.fixture
def frozen_time(spender_id: int) -> Iterator[None]:
    with frozen(MONDAY + timedelta(days=7, hours=10)):
        yield


@pytest.mark.usefixtures("frozen_time")
def test_totals(db: Session) -> None:
    assert POTService(db).get_economy_stats() == economy.stats(db)
    assert economy.stats(db) == {
        "total_users": 3,
        "users_with_pot": 2,
        "participation_rate": "66.7%",
        "total_pot_in_circulation": 70,
        "total_pot_held": 0,
        "total_pot_earned_all_time": 150,
        "total_pot_spent_all_time": 80,
        "total_pot_burned_all_time": 60,
        "total_pot_redeemed_all_time": 0,
        "total_pot_clawed_back_all_time": 0,
        "total_pot_minted_all_time": 10_000_000,
        "treasury": 10_000_000 - 150 + 20,
        "total_supply": 10_000_000 - 60,
        "burn_rate": "40.0%",
        "transactions_last_7_days": 3,
    }


@pytest.mark.usefixtures("frozen_time")
def test_the_view_has_the_same_totals(db: Session) -> None:
    row = db.execute(text("SELECT * FROM pot_economy_stats")).mappings().one()
    view = {str(name): figure for name, figure in row.items()}
    figures = economy.stats(db)
    same = set(view) - {"transactions_last_7_days"}  # the view uses the database's clock
    assert {name: view[name] for name in same} == {name: figures[name] for name in same}


def test_the_view_counts_the_same_seven_days(db: Session, make: Make) -> None:
    person = make.user()
    first_midnight = datetime.combine(today() - timedelta(days=6), time(), UTC)
    for seconds in (-1, 0, 1):
        with frozen(first_midnight + timedelta(seconds=seconds)):
            make.pot(person, 1, "daily_login")
    query = text("SELECT transactions_last_7_days FROM pot_economy_stats")
    assert db.scalar(query) == economy.stats(db)["transactions_last_7_days"] == 2


@pytest.mark.usefixtures("frozen_time")
def test_days_and_the_period_before(db: Session) -> None:
    shown = economy.period(db, 2)
    assert [(day.earned, day.spent, day.burned, day.circulation) for day in shown.days] == [
        (100, 60, 60, 90),
        (0, 20, 0, 70),
    ]
    assert shown.totals == {
        "earned": 100,
        "spent": 80,
        "burned": 60,
        "redeemed": 0,
        "transactions": 3,
    }
    assert shown.before is not None
    assert shown.before["earned"] == 0


@pytest.mark.usefixtures("frozen_time")
def test_a_period_before_the_first_day_is_not_compared(db: Session) -> None:
    assert economy.period(db, 30).before is None
    everything = economy.period(db, None)
    assert (len(everything.days), everything.days[0].earned) == (8, 50)


@pytest.mark.usefixtures("frozen_time")
def test_breakdowns_by_category(db: Session) -> None:
    earned = economy.earning_breakdown(db, None)
    assert [(part.name, part.amount, part.count) for part in earned] == [
        ("seeker_referral", 100, 1),
        ("provider_profile_creation", 50, 1),
    ]
    spent = economy.spending_breakdown(db, None)
    assert [(part.name, part.amount, part.share) for part in spent.parts] == [
        ("re_match", 60, 0.75),
        ("workshop", 20, 0.25),
    ]
    sunday, monday = spent.hours[6], spent.hours[0]
    assert (sunday[9], monday[13], sum(map(sum, spent.hours))) == (60, 20, 80)


@pytest.mark.usefixtures("frozen_time")
def test_an_order_counts_when_it_is_delivered(db: Session, make: Make, spender_id: int) -> None:
    make.pot(spender_id, 100)
    order = make.purchase(spender_id)
    assert economy.period(db, 1).totals["spent"] == 20
    assert economy.stats(db)["total_pot_held"] == 50
    shop.deliver(db, order.id)
    assert economy.period(db, 1).totals["spent"] == 70


@pytest.mark.usefixtures("frozen_time")
def test_health_has_every_indicator(db: Session) -> None:
    indicators = {indicator.name: indicator for indicator in health(db)}
    assert indicators["inflation"].state is State.UNKNOWN
    assert indicators["burn_ratio"].value == "0.40"
    assert indicators["burn_ratio"].state is State.BAD
    assert indicators["participation"].value == "66.7 %"
    assert indicators["queue"].state is State.GOOD
    assert indicators["concentration"].value == "57.1 %"
    assert all(indicator.formula and indicator.threshold for indicator in indicators.values())


@pytest.mark.usefixtures("frozen_time")
def test_inflation_is_of_the_whole_supply(db: Session) -> None:
    with frozen(MONDAY + timedelta(days=365)):
        assert inflation(db) is not None
        grown = inflation(db)
    assert grown is not None
    assert not grown.provisional
    assert grown.rate == pytest.approx(-60 / 10_000_000)


def test_an_empty_economy_has_figures_too(db: Session) -> None:
    assert economy.stats(db)["participation_rate"] == "0.0%"
    assert len(economy.period(db, 7).days) == 7
    assert {indicator.state for indicator in health(db)} == {State.UNKNOWN, State.GOOD}
