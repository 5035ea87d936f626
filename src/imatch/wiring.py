"""The only module that knows every other one: who listens to which fact."""

from imatch.content import personal_data as content_personal_data
from imatch.core.events import listen
from imatch.engagements import personal_data as engagements_personal_data
from imatch.facts.economy import AllowanceWithdrawn, OptionPurchased
from imatch.facts.marketplace import EngagementPaid, EngagementReversed
from imatch.facts.people import EmailConfirmed, PersonErased, PersonExported
from imatch.jobs import Job
from imatch.ledger.tasks import audit_ledger, expire_holds, seal_ledger
from imatch.mail.pruning import forget_old_mail
from imatch.matches import personal_data as matches_personal_data
from imatch.needs import milestones as needs_milestones
from imatch.needs import personal_data as needs_personal_data
from imatch.needs.tasks import forget_abandoned_needs
from imatch.pot import personal_data as pot_personal_data
from imatch.pot.awards import clawbacks, once_only
from imatch.pot.awards import service as awards
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as reserve
from imatch.pot.tasks import (
    clear_commissions,
    decide_the_weeks_pot,
    notice_second_factors,
    pay_queued_awards,
    settle_purchases,
)
from imatch.providers import boosts
from imatch.providers import milestones as providers_milestones
from imatch.providers import personal_data as providers_personal_data
from imatch.ratings import personal_data as ratings_personal_data
from imatch.referrals import personal_data as referrals_personal_data

# Jobs that run by the clock alone: a worker knows them because they are imported here.
SCHEDULED: tuple[Job[[]], ...] = (
    forget_abandoned_needs,
    forget_old_mail,
    seal_ledger,
    expire_holds,
    audit_ledger,
    pay_queued_awards,
    settle_purchases,
    notice_second_factors,
    clear_commissions,
    decide_the_weeks_pot,
    once_only.forget_once_earned,
    pot_personal_data.forget_erased_payees,
    pot_personal_data.let_go_of_what_came_back,
)


def wire() -> None:
    """Connect listeners to facts. Calling it again changes nothing."""
    listen(PersonExported, needs_personal_data.export)
    listen(PersonExported, providers_personal_data.export)
    listen(PersonExported, matches_personal_data.export)
    listen(PersonExported, engagements_personal_data.export)
    listen(PersonExported, ratings_personal_data.export)
    listen(PersonExported, referrals_personal_data.export)
    listen(PersonExported, content_personal_data.export)
    listen(PersonExported, pot_personal_data.export)
    listen(PersonErased, pot_personal_data.erase)
    listen(PersonErased, content_personal_data.erase)
    listen(PersonErased, ratings_personal_data.erase)
    # In this order: engagements let go of matches, those of needs and profiles.
    listen(PersonErased, engagements_personal_data.erase)
    listen(PersonErased, matches_personal_data.erase)
    listen(PersonErased, needs_personal_data.erase)
    listen(PersonErased, providers_personal_data.erase)
    for fact in awards.REWARDED_FACTS:
        listen(fact, awards.hear)
    listen(EmailConfirmed, once_only.hear_email_confirmed)  # before anything is earned by it
    listen(EmailConfirmed, providers_milestones.hear_email_confirmed)
    listen(EmailConfirmed, needs_milestones.hear_email_confirmed)
    listen(OptionPurchased, boosts.hear_purchased)
    listen(AllowanceWithdrawn, redemptions.on_allowance_withdrawn)
    listen(EngagementPaid, reserve.hear_paid)
    # First: it notes the reversal, and what it gives back of open requests can be clawed back.
    listen(EngagementReversed, reserve.hear_reversed)
    listen(EngagementReversed, clawbacks.hear_reversed)
