"""Facts without a listener or announcer yet, each with the domain that will add it."""

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

# Remove a fact when a domain starts to listen to it.
WITHOUT_LISTENER: Mapping[type, str] = {
    NeedCompleted: "notifications",
    MatchesSuggested: "notifications",
    ProviderSubmitted: "notifications",
    ProviderApproved: "notifications",
    ProviderRejected: "notifications",
    OptionEnded: "notifications",
}

# Remove a fact when a domain starts to announce it.
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
