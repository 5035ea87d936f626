"""The matching engine: pure, in memory, deterministic. `Pool` is the way in."""

from imatch.matches.engine.order import Policy
from imatch.matches.engine.pool import Pool
from imatch.matches.engine.types import Need, Offer, Pick, Reason, Shortlist

__all__ = ["Need", "Offer", "Pick", "Policy", "Pool", "Reason", "Shortlist"]
