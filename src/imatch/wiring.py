"""The only module that knows every other one: who listens to which fact."""

from imatch.core.events import listen
from imatch.facts import PersonExported
from imatch.jobs import Job
from imatch.mail.pruning import forget_old_mail
from imatch.matches import personal_data as matches_personal_data
from imatch.providers import personal_data as providers_personal_data
from imatch.seekers import personal_data as seekers_personal_data
from imatch.seekers.tasks import forget_abandoned_needs

# Jobs that run by the clock alone: a worker knows them because they are imported here.
SCHEDULED: tuple[Job[[]], ...] = (forget_abandoned_needs, forget_old_mail)


def wire() -> None:
    """Connect listeners to facts. Calling it again changes nothing."""
    listen(PersonExported, seekers_personal_data.export)
    listen(PersonExported, providers_personal_data.export)
    listen(PersonExported, matches_personal_data.export)
