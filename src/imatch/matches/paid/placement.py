"""The labelled place that a boost buys beside a list. It affects neither scores nor order."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from imatch.categories.schemas import CategoryDefinition
from imatch.core import clock
from imatch.matches import queries
from imatch.matches.explaining import stored as explanations
from imatch.matches.explaining.cards import Person, person_of
from imatch.matches.models import Shortlist
from imatch.matches.pool import needs
from imatch.matches.pool.live import MatchingUnavailable, live_pool
from imatch.needs.models import Need
from imatch.pot.shop import queries as shop_queries
from imatch.providers.boosts import BOOST, PROFILE_REFERENCE_TYPE


@dataclass(frozen=True, slots=True)
class PaidPlace:
    """A boosted person who meets every rule of a need, with the fit that they have anyway."""

    person: Person
    explanation: explanations.Explanation
    better: int  # of those compared, how many fit better
    compared: int

    @property
    def fit(self) -> float:
        return self.explanation.pick.fit


def paid_place(
    db: Session, need: Need, definition: CategoryDefinition, shortlist: Shortlist
) -> PaidPlace | None:
    """The best-fitting boosted provider not on the list, if their fit is at least the median."""
    boosted = shop_queries.active(db, BOOST, PROFILE_REFERENCE_TYPE).keys()
    if not boosted:
        return None
    listed = {match.provider_id for match in queries.matches_of(db, shortlist.id)}
    here = {
        provider_id: provider
        for provider_id, provider in queries.matchable(db, boosted - listed, clock.now()).items()
        if provider.category_id == need.category_id
    }
    if not here:
        return None
    try:
        live = live_pool(db, need.category_id, definition)
    except MatchingUnavailable:
        return None  # the list itself was stored before
    asked = needs.stated_need(definition, need.answers["values"], need.answers["importance"])
    today = clock.today()
    best = live.pool.best_among(here, asked, today)
    if best is None or 2 * best.better_count > best.candidate_count:
        return None
    provider = here[best.pick.provider_id]
    explained = explanations.explain(definition, best.pick, provider, asked, today)
    return PaidPlace(
        person_of(db, provider, definition), explained, best.better_count, best.candidate_count
    )
