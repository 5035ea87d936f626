"""Register the categories domain."""

from imatch.categories import models
from imatch.core.domains import Domain

DOMAIN = Domain(
    tables=(models,),
    api=("api",),
    pages=("console",),
)
