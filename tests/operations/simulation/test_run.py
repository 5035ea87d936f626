"""A small simulation over months: all claims hold and the books balance."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.settings import get_settings
from imatch.operations.simulation import Behaviour, Plan, simulate
from imatch.operations.simulation.charts import Chart, Series, charts
from imatch.operations.simulation.people import Group
from imatch.pot.awards.models import PotAward
from imatch.pot.policy.models import PotPolicyRun

# Three months with refunds, a run on the reserve, and enough deals to fund it.
BEHAVIOUR = Behaviour(
    attackers_join_over_months=0.1,
    seeker_logs_in_later=0.005,
    provider_logs_in=0.02,
    further_needs_a_year=4,
    wash_deal_cents=60_000,
    wash_deals_a_month=8,
    wash_refunded=0.2,
    run_day=75,
    run_days=10,
)
PLAN = Plan(months=3, seekers=60, providers=20, attackers=10, seed=3, behaviour=BEHAVIOUR)


@pytest.fixture(autouse=True)
def _redemption_is_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IMATCH_CASH_REDEMPTION", "true")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def test_all_claims_hold_after_three_months(db: Session) -> None:
    days: list[int] = []
    result = simulate(db, PLAN, progress=days.append)
    assert days == list(range(1, PLAN.days + 1))
    assert [check for check in result.checks if not check.holds] == []
    assert len(result.weeks) == PLAN.days // 7
    assert db.scalar(select(func.count()).select_from(PotPolicyRun)) == PLAN.days // 7
    # Everything happened: awards by many rules, purchases, refunds, and cash.
    assert len(db.scalars(select(PotAward.rule).distinct()).all()) >= 15
    assert result.weeks[-1].burned > 0
    assert result.weeks[-1].clawed_back > 0
    assert result.groups[Group.WASH].redeemed_cents > 0
    assert result.groups[Group.FARM].redeemed_cents == 0
    assert [chart.name for chart in charts(result)] == ["supply", "awards", "reserve", "attackers"]


def test_a_simulation_without_people_has_no_facts(db: Session) -> None:
    result = simulate(db, Plan(months=1, seekers=0, providers=0, attackers=0))
    assert (result.facts, len(result.weeks)) == (0, 4)
    assert [check for check in result.checks if not check.holds] == []
    assert {group.accounts for group in result.groups.values()} == {0}


def test_a_chart_is_a_small_svg_with_a_title() -> None:
    chart = Chart("x", "Profit & loss", "POT", [Series("a", [1, None, 3.5]), Series("b", [])])
    svg = chart.svg()
    assert svg.startswith("<svg ")
    assert "<title>Profit &amp; loss (POT)</title>" in svg
    assert len(svg) < 10_000
