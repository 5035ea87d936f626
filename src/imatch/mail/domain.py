"""Registers outgoing e-mail."""

from imatch.core.domains import Domain
from imatch.mail import models
from imatch.mail.pruning import forget_old_mail

DOMAIN = Domain(
    tables=(models,),
    pages=("pages",),
    jobs=(forget_old_mail,),
)
