"""Register the ratings domain."""

from imatch.core.domains import Domain
from imatch.ratings import models, personal_data

DOMAIN = Domain(
    tables=(models,),
    export=personal_data.export,
    erase=personal_data.erase,
)
