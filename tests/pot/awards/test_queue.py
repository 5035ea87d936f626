"""Class B is paid out of the weekly budget, or waits in a first in, first out queue."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.facts.marketplace import (
    ContentKind,
    ContentPublished,
    CredentialVerified,
    ReportAccepted,
    ReportKind,
)
from imatch.facts.people import DayBegun, IdentityVerified, SecondFactorKept
from imatch.ledger import TransactionType
from imatch.ledger.models import PotTransaction
from imatch.pot.awards import service as rewards
from imatch.pot.awards.models import PotAward
from imatch.pot.policy import service as policy
from imatch.pot.tasks import pay_queued_awards
from tests.factories import Make
from tests.factories.facts import ME, TUESDAY, engagement_paid, four_people

pytestmark = pytest.mark.both_databases

NEXT_MONDAY = datetime(2026, 3, 9, 0, 7, tzinfo=UTC)


def statuses(db: Session) -> list[tuple[str, str]]:
    awards = db.scalars(select(PotAward).order_by(PotAward.id))
    return [(award.rule, award.status) for award in awards]


def test_an_empty_budget_queues_class_b_and_pays_class_a(db: Session, make: Make) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(60)
        rewards.on_rewarded_fact(db, IdentityVerified(ME))
        rewards.on_rewarded_fact(db, SecondFactorKept(ME))
        # It would fit, but who came first is paid first.
        rewards.on_rewarded_fact(db, DayBegun(ME, date(2026, 3, 3)))
        rewards.on_rewarded_fact(db, engagement_paid(earlier_of_seeker=0))
        assert statuses(db) == [
            ("identity_verified", "paid"),
            ("security_setup", "queued"),
            ("daily_login", "queued"),
            ("provider_engagement_base", "paid"),
            ("seeker_first_engagement", "paid"),
        ]
        assert POTService(db).get_user_balance(ME) == 55
        assert [award.rule for award in rewards.queued(db, ME)] == ["security_setup", "daily_login"]
        assert rewards.oldest_queued(db) == TUESDAY
        assert policy.budget(db) == policy.WeekBudget(total=60, spent=50)


def test_queued_awards_are_idempotent_and_count_against_caps(db: Session, make: Make) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(0)
        for number in range(1, 5):
            rewards.on_rewarded_fact(db, ContentPublished(number, ME, ContentKind.TIP))
            rewards.on_rewarded_fact(db, ContentPublished(number, ME, ContentKind.TIP))
        assert statuses(db) == [("provider_content", "queued")] * 2
        assert rewards.pay_queue(db) == 0


def test_the_queue_is_paid_in_order_while_the_budget_lasts(db: Session, make: Make) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(0)
        for person in (2, ME, 3, 4):
            rewards.on_rewarded_fact(db, IdentityVerified(person))
    with time_machine.travel(NEXT_MONDAY, tick=False):
        make.weekly_budget(120)
        assert rewards.pay_queue(db) == 2
        rows = db.scalars(
            select(PotTransaction).where(PotTransaction.transaction_type == TransactionType.EARN)
        )
        assert {row.user_id for row in rows} == {2, ME}
        assert rewards.pay_queue(db) == 0
        award = db.scalars(select(PotAward).where(PotAward.user_id == ME)).one()
        assert (award.status, award.paid_at) == ("paid", NEXT_MONDAY)
        make.weekly_budget(1_000)
        pay_queued_awards()
        assert rewards.oldest_queued(db) is None
        assert POTService(db).get_user_balance(4) == 50


def test_an_award_above_a_whole_budget_still_comes_through(db: Session, make: Make) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(40)
        rewards.on_rewarded_fact(db, DayBegun(ME, date(2026, 3, 3)))
        rewards.on_rewarded_fact(db, IdentityVerified(ME))
        assert statuses(db)[1] == ("identity_verified", "queued")
    with time_machine.travel(NEXT_MONDAY, tick=False):
        assert rewards.pay_queue(db) == 1
        assert policy.budget(db).left == 0


def test_the_expected_day_is_shown(db: Session, make: Make) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(100)
        for person in (ME, 2, 3, 4):
            rewards.on_rewarded_fact(db, IdentityVerified(person))
        rewards.on_rewarded_fact(db, CredentialVerified(1, ME))
        days = [
            rewards.expected_payment(db, award)
            for award in db.scalars(select(PotAward).order_by(PotAward.id))
        ]
        assert days == [
            date(2026, 3, 3),
            date(2026, 3, 3),
            date(2026, 3, 9),
            date(2026, 3, 9),
            date(2026, 3, 16),
        ]
        make.weekly_budget(0)
        (last,) = (award for award in rewards.queued(db, ME))
        assert rewards.expected_payment(db, last) is None


def test_a_fact_announced_concurrently_pays_once(
    make: Make, db: Session, new_session: Callable[[], Session]
) -> None:
    four_people(make)
    together = Barrier(6)

    def hear(_number: int) -> None:
        with new_session() as session:
            together.wait()
            rewards.on_rewarded_fact(session, IdentityVerified(ME))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(hear, range(6)))
    assert statuses(db) == [("identity_verified", "paid")]
    assert POTService(db).get_user_balance(ME) == 50


def test_a_cap_holds_for_facts_at_the_same_moment(
    make: Make, db: Session, new_session: Callable[[], Session]
) -> None:
    four_people(make)
    together = Barrier(8)

    def hear(number: int) -> None:
        with new_session() as session:
            together.wait()
            rewards.on_rewarded_fact(session, ReportAccepted(number, ME, ReportKind.BUG))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hear, range(8)))
    assert statuses(db) == [("bug_report", "paid")] * 5


def test_the_budget_holds_for_facts_at_the_same_moment(
    make: Make, db: Session, new_session: Callable[[], Session]
) -> None:
    callers = [make.user().id for _ in range(12)]
    together = Barrier(len(callers))

    def hear(user_id: int) -> None:
        with new_session() as session:
            together.wait()
            rewards.on_rewarded_fact(session, IdentityVerified(user_id))

    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(150)
        with ThreadPoolExecutor(len(callers)) as pool:
            list(pool.map(hear, callers))
        assert policy.budget(db).spent == 150
    waiting = [status for _rule, status in statuses(db)]
    assert (waiting.count("paid"), waiting.count("queued")) == (3, 9)


def test_paying_the_queue_concurrently_pays_each_award_once(
    make: Make, db: Session, new_session: Callable[[], Session]
) -> None:
    four_people(make)
    with time_machine.travel(TUESDAY, tick=False):
        make.weekly_budget(0)
        for person in (ME, 2, 3, 4):
            rewards.on_rewarded_fact(db, IdentityVerified(person))
        make.weekly_budget(1_000)
        together = Barrier(3)

        def pay(_number: int) -> int:
            with new_session() as session:
                together.wait()
                return rewards.pay_queue(session)

        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(pay, range(3))) == 4
    assert [POTService(db).get_user_balance(person) for person in (ME, 2, 3, 4)] == [50] * 4
