"""Registers rate limits."""

from imatch.core.domains import Domain
from imatch.throttling import models

DOMAIN = Domain(
    tables=(models,),
)
