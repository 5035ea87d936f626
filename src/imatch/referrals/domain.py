"""Register the referrals domain."""

from imatch.core.domains import Domain
from imatch.referrals import models, personal_data

DOMAIN = Domain(
    tables=(models,),
    export=personal_data.export,
)
