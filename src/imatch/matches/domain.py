"""Register the matches domain."""

from imatch.core.domains import Domain
from imatch.matches import models, personal_data

DOMAIN = Domain(
    tables=(models,),
    api=("api",),
    pages=("pages.shortlist", "paid.pages", "pages.why", "pages.compare"),
    export=personal_data.export,
    erase=personal_data.erase,
)
