"""The one labelled place that a boost buys beside a list: it takes no part in scores or order."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from imatch.categories.schemas import CategoryDefinition
from imatch.core import clock
from imatch.matches import needs, queries
from imatch.matches.cards import Person, person_of
from imatch.matches.index import MatchingUnavailable, live_pool
from imatch.pot import shop
from imatch.providers.boosts import BOOST, PROFILE
from imatch.seekers.models import Seeker


@dataclass(frozen=True, slots=True)
class PaidPlace:
    """A boosted person who meets every rule of a need, with the fit that they have anyway."""

    person: Person
    fit: float


def paid_place(
    db: Session, need: Seeker, definition: CategoryDefinition, listed: Collection[int]
) -> PaidPlace | None:
    """Of the boosted who are not on the list and fit, the one who fits best."""
    boosted = shop.active(db, BOOST, PROFILE).keys() - set(listed)
    if not boosted:
        return None
    here = {
        provider_id: provider
        for provider_id, provider in queries.matchable(db, boosted, clock.now()).items()
        if provider.category_id == need.category_id
    }
    if not here:
        return None
    try:
        live = live_pool(db, need.category_id, definition)
    except MatchingUnavailable:
        return None  # the list itself was stored before
    asked = needs.need_of(definition, need.answers["values"], need.answers["importance"])
    for provider_id, fit in live.pool.fits(asked, clock.today()):
        if provider_id in here:
            return PaidPlace(person_of(db, here[provider_id], definition), round(fit, 1))
    return None
