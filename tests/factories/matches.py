"""Shortlists and the matches on them."""

from typing import Any

from imatch.matches import queries
from imatch.matches import service as matching
from imatch.matches.models import Match, MatchKind, Shortlist
from imatch.needs.models import Need
from tests.factories.needs import NeedFactory
from tests.factories.providers import ProviderFactory


class MatchFactory(NeedFactory, ProviderFactory):
    def shortlist(
        self,
        need: Need,
        kind: MatchKind = MatchKind.BASIC,
        **wish: Any,  # noqa: ANN401 -- as `suggest` takes it
    ) -> Shortlist:
        """Who fits a need among the providers that there are."""
        return matching.suggest(self.db, need, kind, **wish)

    def match(self, need: Need) -> Match:
        """The first person on a need's shortlist."""
        return queries.matches_of(self.db, self.shortlist(need).id)[0]
