"""Register the providers domain."""

from imatch.core.domains import Domain
from imatch.facts.economy import OptionPurchased
from imatch.facts.people import EmailConfirmed
from imatch.providers import boosts, milestones, models, personal_data

DOMAIN = Domain(
    tables=(models,),
    api=("api",),
    pages=("pages", "boost_pages", "listing", "console"),
    listeners=(
        (EmailConfirmed, milestones.on_email_confirmed),
        (OptionPurchased, boosts.on_option_purchased),
    ),
    export=personal_data.export,
    erase=personal_data.erase,
)
