"""Register the accounts domain."""

from imatch.accounts import models
from imatch.core.domains import Domain

DOMAIN = Domain(
    tables=(models,),
    api=("api",),
    pages=("pages",),
)
