"""The ranking engine: pure, in memory, deterministic. Use it through `Pool`."""

from imatch.ranking.ranker import Pool
from imatch.ranking.scoring.order import Policy
from imatch.ranking.types import Pick, RankableProvider, Ranking, Reason, StatedNeed

__all__ = ["Pick", "Policy", "Pool", "RankableProvider", "Ranking", "Reason", "StatedNeed"]
