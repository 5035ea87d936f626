"""The one list of domains, and what is put together from it."""

from functools import cache

from imatch.core.domains import Domain, load
from imatch.core.events import listen
from imatch.facts.people import PersonErased, PersonExported

# The order counts twice. Listeners are called in it: whoever refers to others' rows lets go of them
# before those go (engagements, matches, then needs and profiles). Routes are matched in it:
# /find/save of `needs` comes before /find/{category} of `intake`.
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
