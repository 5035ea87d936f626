"""Register the needs domain."""

from imatch.core.domains import Domain
from imatch.facts.people import EmailConfirmed
from imatch.needs import milestones, models, personal_data
from imatch.needs.tasks import forget_abandoned_needs

DOMAIN = Domain(
    tables=(models,),
    api=("api",),
    pages=("pages",),
    listeners=((EmailConfirmed, milestones.on_email_confirmed),),
    jobs=(forget_abandoned_needs,),
    export=personal_data.export,
    erase=personal_data.erase,
)
