"""Register the engagements domain."""

from imatch.core.domains import Domain
from imatch.engagements import models, personal_data

DOMAIN = Domain(
    tables=(models,),
    export=personal_data.export,
    erase=personal_data.erase,
)
