"""A rule pays up to its cap in a calendar window in UTC, and again in the next window."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.facts.marketplace import (
    AnswerAccepted,
    AvailabilityPublished,
    CleanRecordReached,
    CompletionConfirmed,
    ContentKind,
    ContentPublished,
    CredentialVerified,
    LeadAnswered,
    MatchFeedbackGiven,
    PortfolioItemApproved,
    ProfileRefreshed,
    ReportAccepted,
    ReportKind,
    ReviewReplied,
    SuccessStoryApproved,
    TestimonialApproved,
)
from imatch.facts.people import DayBegun, ThirtyDaysVisited
from imatch.pot.awards import service as awards
from imatch.pot.awards.caps import start_of
from imatch.pot.awards.models import PotAward
from imatch.pot.rules import Window
from tests.factories import Make
from tests.factories.facts import FRIEND, ME, OTHER, engagement_paid, four_people, rating_given

pytestmark = pytest.mark.both_databases


def times(db: Session, rule: str, user_id: int = ME) -> int:
    counted = select(func.count()).where(PotAward.rule == rule, PotAward.user_id == user_id)
    return db.scalar(counted) or 0


LAST_MOMENT_OF_MARCH = datetime(2026, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC)
FIRST_OF_APRIL = datetime(2026, 4, 1, tzinfo=UTC)

# rule -> (facts one after the other, how many of them a month pays)
MONTHLY: dict[str, tuple[Any, int]] = {
    "seeker_rating": (
        lambda n: rating_given(
            engagement_id=n, rater_user_id=ME, rated_user_id=OTHER, deal_cents=5_000
        ),
        8,
    ),
    "provider_content": (lambda n: ContentPublished(n, ME, ContentKind.TIP), 2),
    "community_help": (lambda n: AnswerAccepted(n, ME, 3), 4),
    "bug_report": (lambda n: ReportAccepted(n, ME, ReportKind.BUG), 5),
    "feature_suggestion": (lambda n: ReportAccepted(n, ME, ReportKind.FEATURE), 5),
    "fraud_report": (lambda n: ReportAccepted(n, ME, ReportKind.FRAUD), 5),
    "repeat_engagement": (lambda n: engagement_paid(n, earlier_with_this_provider=1), 4),
    "on_time_completion": (lambda n: engagement_paid(n, on_time=True), 8),
    "fast_confirmation": (lambda n: CompletionConfirmed(n, ME, 5), 8),
    "detailed_review": (
        lambda n: rating_given(
            engagement_id=n, rater_user_id=ME, rated_user_id=OTHER, review_words=60
        ),
        4,
    ),
    "review_reply": (lambda n: ReviewReplied(n, ME), 8),
    "match_feedback": (lambda n: MatchFeedbackGiven(n, ME), 8),
    "login_streak_30": (lambda n: ThirtyDaysVisited(ME, 30 * n), 1),
}


@pytest.mark.parametrize("rule", MONTHLY)
def test_a_month_ends_at_midnight_in_utc(db: Session, make: Make, rule: str) -> None:
    fact, cap = MONTHLY[rule]
    with time_machine.travel(LAST_MOMENT_OF_MARCH, tick=False):
        four_people(make)
        for number in range(1, cap + 3):
            awards.on_rewarded_fact(db, fact(number))
        assert times(db, rule) == cap
        (left,) = [
            standing for standing in awards.standings(db, ME) if standing.earning.name == rule
        ]
        assert (left.times_left, left.window) == (0, Window.MONTH)
    with time_machine.travel(FIRST_OF_APRIL, tick=False):
        (left,) = [
            standing for standing in awards.standings(db, ME) if standing.earning.name == rule
        ]
        assert left.times_left == cap
        awards.on_rewarded_fact(db, fact(100))
        assert times(db, rule) == cap + 1


YEARLY: dict[str, tuple[Any, int]] = {
    "seeker_referral": (
        lambda n: engagement_paid(
            n,
            provider_user_id=OTHER,
            seeker_user_id=FRIEND,
            earlier_of_seeker=0,
            seeker_referrer_user_id=ME,
        ),
        12,
    ),
    "provider_referral": (
        lambda n: engagement_paid(
            n,
            provider_user_id=OTHER,
            seeker_user_id=FRIEND,
            earlier_of_provider=0,
            provider_referrer_user_id=ME,
        ),
        12,
    ),
    "seeker_success_story": (lambda n: SuccessStoryApproved(n, ME), 2),
}


@pytest.mark.parametrize("rule", YEARLY)
def test_a_year_ends_with_december(db: Session, make: Make, rule: str) -> None:
    fact, cap = YEARLY[rule]
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False):
        four_people(make)
        for number in range(1, cap + 3):
            awards.on_rewarded_fact(db, fact(number))
        assert times(db, rule) == cap
    with time_machine.travel(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), tick=False):
        awards.on_rewarded_fact(db, fact(200))
        assert times(db, rule) == cap
    with time_machine.travel(datetime(2027, 1, 1, tzinfo=UTC), tick=False):
        awards.on_rewarded_fact(db, fact(201))
        assert times(db, rule) == cap + 1


def test_a_profile_is_refreshed_once_a_quarter(db: Session, make: Make) -> None:
    four_people(make)
    for day, so_far in (
        (date(2026, 1, 2), 1),
        (date(2026, 3, 31), 1),
        (date(2026, 4, 1), 2),
        (date(2026, 6, 30), 2),
        (date(2026, 12, 31), 3),
    ):
        with time_machine.travel(datetime(day.year, day.month, day.day, tzinfo=UTC), tick=False):
            awards.on_rewarded_fact(db, ProfileRefreshed(3, ME, day))
        assert times(db, "profile_refresh") == so_far


EVER: dict[str, tuple[Any, int]] = {
    "provider_first_response": (lambda n: LeadAnswered(n, ME, 5), 1),
    "seeker_first_engagement": (
        lambda n: engagement_paid(
            n, provider_user_id=OTHER, seeker_user_id=ME, earlier_of_seeker=0
        ),
        1,
    ),
    "portfolio_item": (lambda n: PortfolioItemApproved(n, ME), 5),
    "calendar_connected": (lambda n: AvailabilityPublished(n, ME), 1),
}


@pytest.mark.parametrize("rule", EVER)
def test_what_is_paid_once_or_a_few_times_ever(db: Session, make: Make, rule: str) -> None:
    fact, cap = EVER[rule]
    four_people(make)
    for number in range(1, cap + 3):
        with time_machine.travel(datetime(2020 + number, 1, 1, tzinfo=UTC), tick=False):
            awards.on_rewarded_fact(db, fact(number))
    assert times(db, rule) == cap


UNCAPPED: dict[str, Any] = {
    "provider_engagement_base": engagement_paid,
    "credential_verified": lambda n: CredentialVerified(n, ME),
    "seeker_testimonial": lambda n: TestimonialApproved(n, ME, 100),
    "clean_record_10": lambda n: CleanRecordReached(ME, 10 * n),
}


@pytest.mark.parametrize("rule", UNCAPPED)
def test_what_has_no_cap(db: Session, make: Make, rule: str) -> None:
    four_people(make)
    for number in range(1, 21):
        awards.on_rewarded_fact(db, UNCAPPED[rule](number))
    assert times(db, rule) == 20


def test_a_pair_earns_five_stars_once_a_year(db: Session, make: Make) -> None:
    four_people(make)
    five = {"stars": 5, "deal_cents": 10_000}
    with time_machine.travel(datetime(2026, 5, 1, tzinfo=UTC), tick=False):
        awards.on_rewarded_fact(db, rating_given(rating_id=1, engagement_id=1, **five))
        awards.on_rewarded_fact(db, rating_given(rating_id=2, engagement_id=2, **five))
        assert times(db, "provider_rating_bonus") == 1
        awards.on_rewarded_fact(
            db, rating_given(rating_id=3, engagement_id=3, rater_user_id=3, **five)
        )
        assert times(db, "provider_rating_bonus") == 2
    with time_machine.travel(datetime(2027, 1, 1, tzinfo=UTC), tick=False):
        awards.on_rewarded_fact(db, rating_given(rating_id=4, engagement_id=4, **five))
        assert times(db, "provider_rating_bonus") == 3
    left = {standing.earning.name: standing.times_left for standing in awards.standings(db, ME)}
    assert left["provider_rating_bonus"] is None


def test_thirty_days_visited_pay_thirty_more(db: Session, make: Make) -> None:
    four_people(make)
    first = date(2026, 1, 1)
    for number in range(61):
        day = first + timedelta(days=number)
        with time_machine.travel(datetime(day.year, day.month, day.day, 9, tzinfo=UTC)), atomic(db):
            announce(db, DayBegun(ME, day))
            announce(db, DayBegun(ME, day))
        # 31 January pays nothing more, so the streak of sixty is complete on 2 March.
        expected = (number >= 29) + (number >= 60)
        assert times(db, "login_streak_30") == expected, day
    assert times(db, "daily_login") == 60


@pytest.mark.parametrize(
    ("window", "moment", "began"),
    [
        (Window.MONTH, datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (Window.QUARTER, datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (Window.QUARTER, datetime(2026, 12, 5, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)),
        (Window.YEAR, datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (Window.EVER, datetime(2026, 3, 31, tzinfo=UTC), None),
    ],
)
def test_where_a_window_began(window: Window, moment: datetime, began: datetime | None) -> None:
    assert start_of(window, moment) == began
