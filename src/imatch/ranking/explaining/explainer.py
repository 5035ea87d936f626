"""Why this provider: reasons, a caveat, the best sentence, and a counterfactual."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from imatch.categories.schemas import CriterionKind
from imatch.ranking.explaining import caveats, reasons
from imatch.ranking.explaining.counterfactuals import Counterfactuals
from imatch.ranking.explaining.provider_facts import ProviderFacts
from imatch.ranking.gates.gates import GateResult
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.query import Query
from imatch.ranking.scoring.table import CUSTOM
from imatch.ranking.types import CriterionScore, Reason, Rows

MAX_REASONS = 3
GOOD_SCORE = 0.6  # a score this high is a reason even if it is below the pool's mean


@dataclass(frozen=True, slots=True)
class PickExplanation:
    """The texts beside one pick."""

    reasons: tuple[Reason, ...]
    caveat: str
    best_sentence: str
    counterfactual: str


class Explainer:
    """Explains the picks of one request."""

    def __init__(
        self, snapshot: Snapshot, rows: Rows, query: Query, gate_result: GateResult
    ) -> None:
        self._snapshot, self._rows, self._query = snapshot, rows, query
        self._counterfactuals = Counterfactuals(snapshot, query, gate_result)

    def explain(self, index: int, criteria: tuple[CriterionScore, ...]) -> PickExplanation:
        facts = ProviderFacts(self._snapshot, int(self._rows[index]), self._query)
        return PickExplanation(
            reasons=self._reasons(facts, criteria),
            caveat=caveats.caveat(facts, criteria),
            best_sentence=facts.best_sentence,
            counterfactual=self._counterfactuals.describe(criteria),
        )

    def _reasons(
        self, facts: ProviderFacts, criteria: tuple[CriterionScore, ...]
    ) -> tuple[Reason, ...]:
        """The criteria with the largest w·(f - pool mean) that have a fact to show."""
        strongest = sorted(
            (line for line in criteria if line.weight and line.known),
            key=lambda line: -line.weight * (line.score - line.pool_mean),
        )
        worth_showing = (
            line for line in strongest if line.score >= min(line.pool_mean, GOOD_SCORE)
        )
        all_reasons = (self._reason_for(line)(facts, line) for line in worth_showing)
        return tuple(islice((reason for reason in all_reasons if reason), MAX_REASONS))

    def _reason_for(
        self, line: CriterionScore
    ) -> Callable[[ProviderFacts, CriterionScore], Reason | None]:
        if line.name == CUSTOM:
            return reasons.custom
        return _REASON_FOR[self._query.layout.definition.kind_of(line.name)]


_REASON_FOR: dict[CriterionKind, Callable[[ProviderFacts, CriterionScore], Reason | None]] = {
    CriterionKind.EXPERTISE: reasons.expertise,
    CriterionKind.OVERLAP: reasons.overlap,
    CriterionKind.STYLE: reasons.style,
    CriterionKind.LOGISTICS: reasons.logistics,
    CriterionKind.PRICING: reasons.pricing,
    CriterionKind.TRACK_RECORD: reasons.track_record,
    CriterionKind.CERTIFICATION: reasons.certification,
}
