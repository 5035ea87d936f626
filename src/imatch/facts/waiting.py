"""Facts that nobody listens to or announces yet, each with the domain that will."""

from collections.abc import Mapping

from imatch.facts.economy import OptionEnded
from imatch.facts.marketplace import (
    AnswerAccepted,
    CleanRecordReached,
    CompletionConfirmed,
    ContentPublished,
    EngagementPaid,
    EngagementReversed,
    LeadAnswered,
    MatchesSuggested,
    MatchFeedbackGiven,
    NeedCompleted,
    PortfolioItemApproved,
    ProviderApproved,
    ProviderRejected,
    ProviderSubmitted,
    RatingGiven,
    ReportAccepted,
    ReviewReplied,
    SuccessStoryApproved,
    TestimonialApproved,
)

# Whoever begins to listen to one of these takes it out.
UNHEARD: Mapping[type, str] = {
    NeedCompleted: "notifications",
    MatchesSuggested: "notifications",
    ProviderSubmitted: "notifications",
    ProviderApproved: "notifications",
    ProviderRejected: "notifications",
    OptionEnded: "notifications",
}

# Whoever begins to announce one of these takes it out.
UNANNOUNCED: Mapping[type, str] = {
    AnswerAccepted: "content",
    CleanRecordReached: "engagements",
    CompletionConfirmed: "engagements",
    ContentPublished: "content",
    EngagementPaid: "billing",
    EngagementReversed: "engagements",
    LeadAnswered: "conversations",
    MatchFeedbackGiven: "matches",
    PortfolioItemApproved: "providers",
    RatingGiven: "ratings",
    ReportAccepted: "console",
    ReviewReplied: "ratings",
    SuccessStoryApproved: "content",
    TestimonialApproved: "ratings",
}
