"""Facts between seekers and providers."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ContentKind(StrEnum):
    TIP = "tip"
    ARTICLE = "article"
    GUIDE = "guide"
    VIDEO = "video"


class ReportKind(StrEnum):
    BUG = "bug"
    FEATURE = "feature"
    FRAUD = "fraud"


@dataclass(frozen=True, slots=True)
class NeedCompleted:
    """A seeker finished the intake and may be matched."""

    seeker_id: int
    category: str


@dataclass(frozen=True, slots=True)
class ProviderSubmitted:
    provider_id: int
    user_id: int
    category: str


@dataclass(frozen=True, slots=True)
class ProviderApproved:
    provider_id: int
    user_id: int
    category: str


@dataclass(frozen=True, slots=True)
class ProviderRejected:
    provider_id: int
    user_id: int
    category: str
    reason: str


@dataclass(frozen=True, slots=True)
class MatchesSuggested:
    """Providers were shown to a seeker."""

    seeker_id: int
    shortlist_id: int
    provider_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LeadAnswered:
    """A provider's first reply to a lead."""

    match_id: int
    provider_user_id: int
    reply_minutes: int
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EngagementPaid:
    """An engagement is completed and its commission was received.

    A referrer is set only on the first paid engagement of the side they invited.
    """

    engagement_id: int
    provider_user_id: int
    seeker_user_id: int
    deal_cents: int
    commission_cents: int
    paid_at: datetime
    earlier_with_this_provider: int = 0  # paid engagements of the same pair
    earlier_of_seeker: int = 0
    earlier_of_provider: int = 0
    on_time: bool = False
    provider_referrer_user_id: int | None = None
    seeker_referrer_user_id: int | None = None
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EngagementReversed:
    """A paid engagement was refunded, disputed successfully, or found to be fraud."""

    engagement_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class CompletionConfirmed:
    engagement_id: int
    user_id: int
    after_minutes: int


@dataclass(frozen=True, slots=True)
class RatingGiven:
    rating_id: int
    engagement_id: int
    rater_user_id: int
    rated_user_id: int
    rated_is_provider: bool
    stars: int
    deal_cents: int
    review_words: int = 0
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ReviewReplied:
    rating_id: int
    provider_user_id: int
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ContentPublished:
    content_id: int
    author_user_id: int
    kind: ContentKind
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TestimonialApproved:
    __test__ = False  # pytest would collect the class by its name

    engagement_id: int
    user_id: int
    words: int
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SuccessStoryApproved:
    content_id: int
    user_id: int
    rewards_off: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AnswerAccepted:
    content_id: int
    user_id: int
    helpfulness: int  # 1 to 5, given by the person who asked


@dataclass(frozen=True, slots=True)
class ReportAccepted:
    """An operator accepted a report."""

    report_id: int
    user_id: int
    kind: ReportKind


@dataclass(frozen=True, slots=True)
class CredentialVerified:
    credential_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class PortfolioItemApproved:
    item_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class AvailabilityPublished:
    provider_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class MatchFeedbackGiven:
    match_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class ProfileRefreshed:
    provider_id: int
    user_id: int
    on: date


@dataclass(frozen=True, slots=True)
class CleanRecordReached:
    """A person completed another ten engagements without a dispute."""

    user_id: int
    engagements: int
