"""Registration of the ledger."""

from imatch.core.domains import Domain
from imatch.ledger import models
from imatch.ledger.tasks import audit_ledger, expire_holds, seal_ledger

DOMAIN = Domain(
    tables=(models,),
    jobs=(seal_ledger, expire_holds, audit_ledger),
)
