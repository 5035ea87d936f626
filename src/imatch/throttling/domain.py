"""What limits on tries bring to the program."""

from imatch.core.domains import Domain
from imatch.throttling import models

DOMAIN = Domain(
    tables=(models,),
)
