"""Every rule pays the designed amount to the designed person when its fact is announced."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

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
from imatch.facts.people import (
    DayBegun,
    EmailConfirmed,
    IdentityVerified,
    ProfileCompleted,
    SecondFactorKept,
    Side,
    ThirtyDaysVisited,
)
from imatch.ledger import TransactionType
from imatch.ledger.models import PotTransaction
from imatch.pot.awards import service as rewards
from imatch.pot.awards.models import PotAward
from imatch.pot.rules import EARNING_BY_NAME
from tests.factories import Make
from tests.factories.facts import FOE, FRIEND, ME, OTHER, engagement_paid, four_people, rating_given

pytestmark = pytest.mark.both_databases

# The design's table: (fact, {(person, rule): POT}), with the limits of each rule's condition.
CASES: dict[str, tuple[object, dict[tuple[int, str], int]]] = {
    "provider's profile": (
        ProfileCompleted(ME, Side.PROVIDER),
        {(ME, "provider_profile_creation"): 50},
    ),
    "seeker's intake": (
        ProfileCompleted(ME, Side.SEEKER),
        {(ME, "seeker_profile_creation"): 25},
    ),
    "reply within a day": (
        LeadAnswered(7, ME, 24 * 60),
        {(ME, "provider_first_response"): 25},
    ),
    "reply too late": (LeadAnswered(7, ME, 24 * 60 + 1), {}),
    "five percent, rounded down": (
        engagement_paid(deal_cents=12_399),
        {(ME, "provider_engagement_base"): 6},
    ),
    "a deal too small for a POT": (engagement_paid(deal_cents=1_999), {}),
    "seeker's first engagement": (
        engagement_paid(earlier_of_seeker=0),
        {(ME, "provider_engagement_base"): 5, (OTHER, "seeker_first_engagement"): 100},
    ),
    "referred seeker": (
        engagement_paid(earlier_of_seeker=0, seeker_referrer_user_id=FRIEND),
        {
            (ME, "provider_engagement_base"): 5,
            (OTHER, "seeker_first_engagement"): 100,
            (FRIEND, "seeker_referral"): 250,
        },
    ),
    "referred provider": (
        engagement_paid(earlier_of_provider=0, provider_referrer_user_id=FRIEND),
        {(ME, "provider_engagement_base"): 5, (FRIEND, "provider_referral"): 500},
    ),
    "referrers earn for the first one only": (
        engagement_paid(provider_referrer_user_id=FRIEND, seeker_referrer_user_id=FOE),
        {(ME, "provider_engagement_base"): 5},
    ),
    "same pair again": (
        engagement_paid(earlier_with_this_provider=1),
        {(ME, "provider_engagement_base"): 5, (ME, "repeat_engagement"): 20},
    ),
    "on time": (
        engagement_paid(on_time=True),
        {(ME, "provider_engagement_base"): 5, (ME, "on_time_completion"): 10},
    ),
    "five stars for $100": (
        rating_given(stars=5, deal_cents=10_000),
        {(ME, "provider_rating_bonus"): 100, (OTHER, "seeker_rating"): 10},
    ),
    "five stars for less": (
        rating_given(stars=5, deal_cents=9_999),
        {(OTHER, "seeker_rating"): 10},
    ),
    "four stars for $100": (rating_given(deal_cents=10_000), {(OTHER, "seeker_rating"): 10}),
    "a rated seeker": (
        rating_given(stars=5, deal_cents=10_000, rated_is_provider=False),
        {(OTHER, "seeker_rating"): 10},
    ),
    "one star for $50": (rating_given(stars=1, deal_cents=5_000), {(OTHER, "seeker_rating"): 10}),
    "a small deal's rating": (rating_given(deal_cents=4_999), {}),
    "50 words": (rating_given(review_words=50, stars=1), {(OTHER, "detailed_review"): 15}),
    "49 words": (rating_given(review_words=49), {}),
    "a reply to a review": (ReviewReplied(5, ME), {(ME, "review_reply"): 5}),
    "tip": (ContentPublished(8, ME, ContentKind.TIP), {(ME, "provider_content"): 50}),
    "article": (ContentPublished(8, ME, ContentKind.ARTICLE), {(ME, "provider_content"): 50}),
    "guide": (ContentPublished(8, ME, ContentKind.GUIDE), {(ME, "provider_content"): 100}),
    "video": (ContentPublished(8, ME, ContentKind.VIDEO), {(ME, "provider_content"): 200}),
    "testimonial": (TestimonialApproved(1, ME, 100), {(ME, "seeker_testimonial"): 50}),
    "short testimonial": (TestimonialApproved(1, ME, 99), {}),
    "story": (SuccessStoryApproved(8, ME), {(ME, "seeker_success_story"): 200}),
    "a day": (DayBegun(ME, date(2026, 3, 2)), {(ME, "daily_login"): 1}),
    "thirty days": (ThirtyDaysVisited(ME, 30), {(ME, "login_streak_30"): 30}),
    "helpful answer": (AnswerAccepted(8, ME, 5), {(ME, "community_help"): 25}),
    "answer": (AnswerAccepted(8, ME, 1), {(ME, "community_help"): 5}),
    "bug": (ReportAccepted(6, ME, ReportKind.BUG), {(ME, "bug_report"): 100}),
    "feature": (ReportAccepted(6, ME, ReportKind.FEATURE), {(ME, "feature_suggestion"): 50}),
    "fraud": (ReportAccepted(6, ME, ReportKind.FRAUD), {(ME, "fraud_report"): 50}),
    "identity": (IdentityVerified(ME), {(ME, "identity_verified"): 50}),
    "credential": (CredentialVerified(9, ME), {(ME, "credential_verified"): 75}),
    "portfolio": (PortfolioItemApproved(9, ME), {(ME, "portfolio_item"): 10}),
    "calendar": (AvailabilityPublished(3, ME), {(ME, "calendar_connected"): 15}),
    "confirmed in 72 hours": (
        CompletionConfirmed(1, ME, 72 * 60),
        {(ME, "fast_confirmation"): 5},
    ),
    "confirmed later": (CompletionConfirmed(1, ME, 72 * 60 + 1), {}),
    "feedback": (MatchFeedbackGiven(7, ME), {(ME, "match_feedback"): 5}),
    "refresh": (
        ProfileRefreshed(3, ME, date(2026, 3, 2)),
        {(ME, "profile_refresh"): 10},
    ),
    "ten clean": (CleanRecordReached(ME, 10), {(ME, "clean_record_10"): 100}),
    "twenty clean": (CleanRecordReached(ME, 20), {(ME, "clean_record_10"): 100}),
    "fifteen clean": (CleanRecordReached(ME, 15), {}),
    "second factor": (SecondFactorKept(ME), {(ME, "security_setup"): 25}),
}


def earned(db: Session) -> dict[tuple[int, str], int]:
    """POT that people earned by rule, as the book has it; repeated awards are added up."""
    totals: dict[tuple[int, str], int] = {}
    for row in db.scalars(
        select(PotTransaction).where(PotTransaction.transaction_type == TransactionType.EARN)
    ):
        assert row.user_id is not None
        at = (row.user_id, row.category)
        totals[at] = totals.get(at, 0) + row.amount
    return totals


@pytest.mark.parametrize(("fact", "expected"), CASES.values(), ids=CASES)
def test_a_fact_pays_its_rules_once(
    db: Session, make: Make, fact: object, expected: dict[tuple[int, str], int]
) -> None:
    four_people(make)
    rewards.on_rewarded_fact(db, fact)
    rewards.on_rewarded_fact(db, fact)
    assert earned(db) == expected
    awards = db.scalars(select(PotAward)).all()
    assert {(award.user_id, award.rule): award.amount for award in awards} == expected
    assert {award.status for award in awards} <= {"paid"}


def test_every_rule_is_paid_by_some_case() -> None:
    paid_rules = {rule for _fact, expected in CASES.values() for _person, rule in expected}
    assert paid_rules == set(EARNING_BY_NAME)
    assert len(paid_rules) == 31


ALWAYS_PAID = {"provider_engagement_base", "seeker_first_engagement"}


def test_only_engagements_are_class_a(db: Session, make: Make) -> None:
    four_people(make)
    for fact, _expected in CASES.values():
        rewards.on_rewarded_fact(db, fact)
    classes = {award.rule: award.award_class for award in db.scalars(select(PotAward))}
    assert {rule for rule, award_class in classes.items() if award_class == "A"} == ALWAYS_PAID


def test_the_award_says_what_for(db: Session, make: Make) -> None:
    four_people(make)
    rewards.on_rewarded_fact(db, rating_given(stars=5, deal_cents=10_000))
    rows = {row.category: row for row in db.scalars(select(PotTransaction))}
    bonus, rating = rows["provider_rating_bonus"], rows["seeker_rating"]
    assert (bonus.reference_type, bonus.reference_id) == ("engagement", 1)
    assert (rating.reference_type, rating.reference_id) == ("engagement", 1)
    assert bonus.idempotency_key == "earn:provider_rating_bonus:1:1"
    assert bonus.description == "Five stars received"


THERAPISTS_OFF = frozenset(
    {
        "provider_rating_bonus",
        "seeker_rating",
        "seeker_referral",
        "provider_referral",
        "seeker_testimonial",
    }
)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (rating_given(stars=5, deal_cents=10_000, rewards_off=THERAPISTS_OFF), {}),
        (TestimonialApproved(1, ME, 200, THERAPISTS_OFF), {}),
        (
            engagement_paid(
                earlier_of_seeker=0,
                earlier_of_provider=0,
                seeker_referrer_user_id=FRIEND,
                provider_referrer_user_id=FOE,
                rewards_off=THERAPISTS_OFF,
            ),
            {(ME, "provider_engagement_base"): 5, (OTHER, "seeker_first_engagement"): 100},
        ),
    ],
)
def test_a_category_switches_rules_off(
    db: Session, make: Make, fact: object, expected: dict[tuple[int, str], int]
) -> None:
    four_people(make)
    rewards.on_rewarded_fact(db, fact)
    assert earned(db) == expected


def test_people_who_left_or_never_were_earn_nothing(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    gone = make.user(active=False)
    rewards.on_rewarded_fact(db, IdentityVerified(gone.id))
    rewards.on_rewarded_fact(db, IdentityVerified(999))
    with new_session() as other:
        assert earned(other) == {}
        assert other.scalars(select(PotAward)).all() == []


@pytest.mark.parametrize(
    "fact",
    [
        engagement_paid(seeker_user_id=ME, earlier_of_seeker=0),
        rating_given(rater_user_id=ME, stars=5, deal_cents=100_000, review_words=80),
    ],
    ids=["deal", "rating"],
)
def test_nobody_earns_with_themselves(db: Session, make: Make, fact: object) -> None:
    four_people(make)
    rewards.on_rewarded_fact(db, fact)
    assert earned(db) == {}


def test_nobody_is_rewarded_for_inviting_themselves(db: Session, make: Make) -> None:
    four_people(make)
    rewards.on_rewarded_fact(
        db,
        engagement_paid(
            earlier_of_seeker=0,
            earlier_of_provider=0,
            seeker_referrer_user_id=OTHER,
            provider_referrer_user_id=ME,
        ),
    )
    assert {rule for _person, rule in earned(db)} == {
        "provider_engagement_base",
        "seeker_first_engagement",
    }


def test_a_fact_nobody_rewards_is_ignored(db: Session, make: Make) -> None:
    four_people(make)
    rewards.on_rewarded_fact(db, EmailConfirmed(ME))
    assert earned(db) == {}
