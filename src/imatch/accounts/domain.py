"""What accounts bring to the program."""

from imatch.accounts import models
from imatch.core.domains import Domain

DOMAIN = Domain(
    tables=(models,),
    api=("api",),
    pages=("pages",),
)
