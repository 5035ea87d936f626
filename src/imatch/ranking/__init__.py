"""The ranking engine: pure, in memory, deterministic. `Pool` is the way in."""

from imatch.ranking.ranker import Pool
from imatch.ranking.scoring.order import Policy
from imatch.ranking.types import Offer, Pick, Reason, Shortlist, StatedNeed

__all__ = ["Offer", "Pick", "Policy", "Pool", "Reason", "Shortlist", "StatedNeed"]
