"""Registration of the POT economy."""

from imatch.core.domains import Domain
from imatch.facts.economy import AllowanceWithdrawn
from imatch.facts.marketplace import EngagementPaid, EngagementReversed
from imatch.facts.people import EmailConfirmed
from imatch.pot import models, personal_data
from imatch.pot.awards import clawbacks, once_only
from imatch.pot.awards import models as awards_models
from imatch.pot.awards import service as awards
from imatch.pot.policy import models as policy_models
from imatch.pot.redemption import models as redemption_models
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import models as reserve_models
from imatch.pot.reserve import service as reserve
from imatch.pot.shop import models as shop_models
from imatch.pot.tasks import (
    clear_commissions,
    decide_the_weeks_pot,
    notice_second_factors,
    pay_queued_awards,
    settle_debts,
    settle_purchases,
)

DOMAIN = Domain(
    tables=(models, awards_models, policy_models, redemption_models, reserve_models, shop_models),
    api=("wallet.api",),
    pages=(
        "wallet.api:public_router",
        "wallet.pages",
        "shop.pages",
        "shop.console",
        "redemption.pages",
        "redemption.console",
        "awards.console",
        "economy.pages",
        "policy.console",
    ),
    listeners=(
        *((fact, awards.on_rewarded_fact) for fact in awards.REWARDED_FACTS),
        (EmailConfirmed, once_only.on_email_confirmed),
        (AllowanceWithdrawn, redemptions.on_allowance_withdrawn),
        (EngagementPaid, reserve.on_engagement_paid),
        # The reserve first: it records the reversal, and releases POT of open redemptions, which
        # can then be clawed back.
        (EngagementReversed, reserve.on_engagement_reversed),
        (EngagementReversed, clawbacks.on_engagement_reversed),
    ),
    jobs=(
        pay_queued_awards,
        settle_debts,
        settle_purchases,
        notice_second_factors,
        clear_commissions,
        decide_the_weeks_pot,
        once_only.forget_once_earned,
        personal_data.forget_erased_payees,
        personal_data.let_go_of_what_came_back,
    ),
    export=personal_data.export,
    erase=personal_data.erase,
)
