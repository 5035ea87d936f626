"""Register the content domain."""

from imatch.content import models, personal_data
from imatch.core.domains import Domain

DOMAIN = Domain(
    tables=(models,),
    export=personal_data.export,
    erase=personal_data.erase,
)
