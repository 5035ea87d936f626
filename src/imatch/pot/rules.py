"""The rules that earn POT. Add a rule to EARNINGS; wallet, API and documents use it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from imatch.core.money import usd
from imatch.facts.marketplace import (
    AnswerAccepted,
    AvailabilityPublished,
    CleanRecordReached,
    CompletionConfirmed,
    ContentKind,
    ContentPublished,
    CredentialVerified,
    EngagementPaid,
    LeadAnswered,
    MatchFeedbackGiven,
    PortfolioItemApproved,
    ProfileRefreshed,
    RatingGiven,
    ReportAccepted,
    ReportKind,
    ReviewReplied,
    SuccessStoryApproved,
    TestimonialApproved,
)
from imatch.facts.people import (
    DayBegun,
    IdentityVerified,
    ProfileCompleted,
    SecondFactorKept,
    Side,
    ThirtyDaysVisited,
)
from imatch.facts.waiting import UNANNOUNCED


class AwardClass(StrEnum):
    ALWAYS = "A"  # paid at once
    BUDGETED = "B"  # paid out of the weekly budget, or queued: late, never lost


class Window(StrEnum):
    """Calendar spans in UTC within which a cap counts."""

    EVER = "ever"
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `times` in a window, for each person, and for each value of `within` if given."""

    times: int
    window: Window
    within: str = ""  # an attribute of the fact


@dataclass(frozen=True, slots=True)
class Earning:
    """A rule: who earns how many POT when a fact is announced.

    `to` and `by` name attributes of the fact: the earner, and what the award is for. The award's
    idempotency key is "earn:<name>:<by>:<to>".
    """

    name: str
    fact: type
    pot: int | Callable[[Any], int]
    to: str
    by: str
    title: str
    how: str  # shown to people: how to earn it
    shown: str = ""  # the amount as text, if it depends on the fact
    cap: Cap | None = None
    when: Callable[[Any], bool] = lambda _fact: True
    award_class: AwardClass = AwardClass.BUDGETED
    side: Side | None = None  # the only side that can earn it

    @property
    def offered(self) -> bool:
        """False while no part of the program announces its fact: nobody can earn it yet."""
        return self.fact not in UNANNOUNCED

    def is_for(self, sides: Collection[Side]) -> bool:
        """Whether a person on these sides can earn it."""
        return self.side is None or self.side in sides

    def amount(self, fact: object) -> int:
        """POT earned for the fact; 0 gives no award."""
        return self.pot if isinstance(self.pot, int) else self.pot(fact)

    def earner(self, fact: object) -> int | None:
        """The earner's user id, or None (an uninvited seeker has no referrer).

        People earn nothing by dealing with, rating or inviting themselves.
        """
        earner: int | None = getattr(fact, self.to)
        invited = getattr(fact, self.to.replace("_referrer", ""))
        is_own = _is_with_oneself(fact) or ("_referrer" in self.to and earner == invited)
        return None if is_own else earner

    def reference(self, fact: object) -> tuple[str | None, int | None]:
        """What the award is for: ("rating", 41), or (None, None) without a numeric id."""
        attribute = self.by.split()[0]
        value = getattr(fact, attribute)
        if attribute.endswith("_id") and isinstance(value, int):
            return attribute.removesuffix("_id"), value
        return None, None

    def key(self, fact: object) -> str:
        values = ":".join(str(getattr(fact, attribute)) for attribute in self.by.split())
        return f"earn:{self.name}:{values}:{self.earner(fact)}"


ONCE = Cap(1, Window.EVER)


def per_month(times: int) -> Cap:
    return Cap(times, Window.MONTH)


def per_year(times: int) -> Cap:
    return Cap(times, Window.YEAR)


def _is_with_oneself(fact: object) -> bool:
    if isinstance(fact, EngagementPaid):
        return fact.provider_user_id == fact.seeker_user_id
    return isinstance(fact, RatingGiven) and fact.rater_user_id == fact.rated_user_id


def _five_percent(fact: EngagementPaid) -> int:
    return fact.deal_cents // 2_000


_CONTENT_POT = {
    ContentKind.TIP: 50,
    ContentKind.ARTICLE: 50,
    ContentKind.GUIDE: 100,
    ContentKind.VIDEO: 200,
}


def _content_pot(fact: ContentPublished) -> int:
    return _CONTENT_POT[fact.kind]


def _help_pot(fact: AnswerAccepted) -> int:
    return 5 * min(max(fact.helpfulness, 1), 5)


def _report(kind: ReportKind) -> Callable[[ReportAccepted], bool]:
    return lambda fact: fact.kind == kind


# fmt: off
EARNINGS: tuple[Earning, ...] = (
    Earning("provider_profile_creation", ProfileCompleted, 50, to="user_id", by="user_id",
            cap=ONCE, when=lambda f: f.side == Side.PROVIDER,
            side=Side.PROVIDER, title="Provider profile complete",
            how="Fill in every part of your profile and confirm your e-mail address."),
    Earning("seeker_profile_creation", ProfileCompleted, 25, to="user_id", by="user_id", cap=ONCE,
            when=lambda f: f.side == Side.SEEKER,
            side=Side.SEEKER, title="First need described",
            how="Answer a category's questions and confirm your e-mail address."),
    Earning("provider_first_response", LeadAnswered, 25, to="provider_user_id", by="match_id",
            cap=ONCE, when=lambda f: f.reply_minutes <= 24 * 60,
            side=Side.PROVIDER, title="First quick reply",
            how="Reply to your first lead within 24 hours."),
    Earning("provider_engagement_base", EngagementPaid, _five_percent, shown="5 % of the deal",
            to="provider_user_id", by="engagement_id", award_class=AwardClass.ALWAYS,
            side=Side.PROVIDER, title="Engagement completed",
            how="Complete an engagement whose commission is paid."),
    Earning("seeker_first_engagement", EngagementPaid, 100, to="seeker_user_id",
            by="engagement_id", cap=ONCE, award_class=AwardClass.ALWAYS,
            when=lambda f: f.earlier_of_seeker == 0,
            side=Side.SEEKER, title="First engagement", how="Complete your first engagement."),
    Earning("provider_rating_bonus", RatingGiven, 100, to="rated_user_id", by="engagement_id",
            cap=Cap(1, Window.YEAR, within="rater_user_id"),
            when=lambda f: f.rated_is_provider and f.stars == 5 and f.deal_cents >= 10_000,
            side=Side.PROVIDER, title="Five stars received",
            how="Receive five stars for a deal of $100 or more."),
    Earning("seeker_rating", RatingGiven, 10, to="rater_user_id", by="engagement_id",
            cap=per_month(8), when=lambda f: f.deal_cents >= 5_000,
            title="Rating given",
            how="Rate an engagement of $50 or more, with any number of stars."),
    Earning("seeker_referral", EngagementPaid, 250, to="seeker_referrer_user_id",
            by="engagement_id", cap=per_year(12), when=lambda f: f.earlier_of_seeker == 0,
            title="Seeker invited", how="Invite a seeker who completes a first paid engagement."),
    Earning("provider_referral", EngagementPaid, 500, to="provider_referrer_user_id",
            by="engagement_id", cap=per_year(12), when=lambda f: f.earlier_of_provider == 0,
            title="Provider invited",
            how="Invite a provider who completes a first paid engagement."),
    Earning("provider_content", ContentPublished, _content_pot, shown="50, 100 or 200",
            to="author_user_id", by="content_id", cap=per_month(2),
            side=Side.PROVIDER, title="Something published",
            how="Publish a tip or article, a guide or a video that is approved."),
    Earning("seeker_testimonial", TestimonialApproved, 50, to="user_id", by="engagement_id",
            when=lambda f: f.words >= 100,
            side=Side.SEEKER, title="Testimonial",
            how="Tell in 100 words or more how it went, good or bad."),
    Earning("seeker_success_story", SuccessStoryApproved, 200, to="user_id", by="content_id",
            cap=per_year(2),
            side=Side.SEEKER, title="Success story",
            how="Let us publish the story of an engagement."),
    Earning("daily_login", DayBegun, 1, to="user_id", by="day", cap=per_month(30),
            title="A day's visit", how="Sign in and do something."),
    Earning("login_streak_30", ThirtyDaysVisited, 30, to="user_id", by="days", cap=per_month(1),
            title="Thirty days' visits", how="Sign in and do something on thirty days."),
    Earning("community_help", AnswerAccepted, _help_pot, shown="5 to 25", to="user_id",
            by="content_id", cap=per_month(4),
            title="Answer accepted", how="Answer somebody's question so that it helps."),
    Earning("bug_report", ReportAccepted, 100, to="user_id", by="report_id", cap=per_month(5),
            when=_report(ReportKind.BUG),
            title="Bug report accepted", how="Report a fault that we accept."),
    Earning("feature_suggestion", ReportAccepted, 50, to="user_id", by="report_id",
            cap=per_month(5), when=_report(ReportKind.FEATURE),
            title="Suggestion accepted", how="Suggest a feature that we accept."),
    Earning("identity_verified", IdentityVerified, 50, to="user_id", by="user_id", cap=ONCE,
            title="Identity verified", how="Have your identity verified."),
    Earning("credential_verified", CredentialVerified, 75, to="user_id", by="credential_id",
            side=Side.PROVIDER, title="Credential verified",
            how="Have a licence or certificate verified."),
    Earning("portfolio_item", PortfolioItemApproved, 10, to="user_id", by="item_id",
            cap=Cap(5, Window.EVER),
            side=Side.PROVIDER, title="Portfolio item",
            how="Show a piece of your work that is approved."),
    Earning("calendar_connected", AvailabilityPublished, 15, to="user_id", by="provider_id",
            cap=ONCE,
            side=Side.PROVIDER, title="Availability published",
            how="Publish when you are available."),
    Earning("repeat_engagement", EngagementPaid, 20, to="provider_user_id", by="engagement_id",
            cap=per_month(4), when=lambda f: f.earlier_with_this_provider > 0,
            side=Side.PROVIDER, title="Together again",
            how="Complete another engagement with the same person here."),
    Earning("on_time_completion", EngagementPaid, 10, to="provider_user_id", by="engagement_id",
            cap=per_month(8), when=lambda f: f.on_time,
            side=Side.PROVIDER, title="Completed on time",
            how="Complete an engagement by the agreed day."),
    Earning("fast_confirmation", CompletionConfirmed, 5, to="user_id", by="engagement_id",
            cap=per_month(8), when=lambda f: f.after_minutes <= 72 * 60,
            title="Quick confirmation", how="Confirm a completed engagement within 72 hours."),
    Earning("detailed_review", RatingGiven, 15, to="rater_user_id", by="engagement_id",
            cap=per_month(4), when=lambda f: f.review_words >= 50,
            title="Detailed review",
            how="Write 50 words or more with your rating, whatever its stars."),
    Earning("review_reply", ReviewReplied, 5, to="provider_user_id", by="rating_id",
            cap=per_month(8),
            side=Side.PROVIDER, title="Review answered", how="Answer a review of your work."),
    Earning("match_feedback", MatchFeedbackGiven, 5, to="user_id", by="match_id",
            cap=per_month(8),
            title="Feedback on a match", how="Tell us why a match did or did not fit."),
    Earning("profile_refresh", ProfileRefreshed, 10, to="user_id", by="provider_id on",
            cap=Cap(1, Window.QUARTER),
            side=Side.PROVIDER, title="Profile kept fresh",
            how="Confirm or update your profile once a quarter."),
    Earning("clean_record_10", CleanRecordReached, 100, to="user_id", by="engagements",
            when=lambda f: f.engagements >= 10 and f.engagements % 10 == 0,
            title="Ten without a dispute", how="Complete ten engagements without a dispute."),
    Earning("fraud_report", ReportAccepted, 50, to="user_id", by="report_id", cap=per_month(5),
            when=_report(ReportKind.FRAUD),
            title="Fraud report confirmed", how="Report fraud that we can confirm."),
    Earning("security_setup", SecondFactorKept, 25, to="user_id", by="user_id", cap=ONCE,
            title="Second factor kept",
            how="Protect your account with a second factor for thirty days."),
)
# fmt: on
EARNING_BY_NAME = {earning.name: earning for earning in EARNINGS}


REDEMPTION = "pot_redemption"
VALUE_PER_POT = usd(100)  # of the purchases that it pays for
PAYOUT_PER_POT = usd(80)
RETRIEVABLE_DAYS = 180  # period in which an award can be clawed back
