"""Registers background jobs."""

from imatch.core.domains import Domain
from imatch.jobs import models
from imatch.jobs.pruning import prune_jobs

DOMAIN = Domain(
    tables=(models,),
    jobs=(prune_jobs,),
)
