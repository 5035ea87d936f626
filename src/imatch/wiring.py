"""The list of domains, and the wiring of their listeners."""

from functools import cache

from imatch.core.domains import Domain, load
from imatch.core.events import listen
from imatch.facts.people import PersonErased, PersonExported

# The order matters twice. Listeners are called in this order: rows with foreign keys are erased
# before the rows they refer to (engagements, matches, then needs and profiles). Routes are matched
# in this order: /find/save of `needs` comes before /find/{category} of `intake`.
PACKAGES = (
    "imatch.jobs",
    "imatch.mail",
    "imatch.ledger",
    "imatch.throttling",
    "imatch.accounts",
    "imatch.pot",
    "imatch.categories",
    "imatch.content",
    "imatch.referrals",
    "imatch.ratings",
    "imatch.engagements",
    "imatch.matches",
    "imatch.needs",
    "imatch.intake",
    "imatch.providers",
    "imatch.console",
    "imatch.operations",
)


@cache
def domains() -> dict[str, Domain]:
    """Every domain by its package, in the order of PACKAGES.

    Loading them imports all tables and registers all jobs.
    """
    return load(PACKAGES)


def wire() -> None:
    """Connect listeners to facts. Idempotent."""
    for domain in domains().values():
        if domain.export is not None:
            listen(PersonExported, domain.export)
        if domain.erase is not None:
            listen(PersonErased, domain.erase)
        for fact, listener in domain.listeners:
            listen(fact, listener)
