"""Why this person: want beside fact, a caveat, the best sentence, what would change it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from imatch.categories.schemas import CriterionKind
from imatch.ranking.explaining import caveats, reasons
from imatch.ranking.explaining.counterfactuals import Counterfactuals
from imatch.ranking.explaining.provider_facts import Facts
from imatch.ranking.gates.gates import Gated
from imatch.ranking.pool.columns import Frame
from imatch.ranking.query import Asked
from imatch.ranking.scoring.criteria import Rows
from imatch.ranking.scoring.table import CUSTOM
from imatch.ranking.types import CriterionScore, Reason

MOST_REASONS = 3
GOOD = 0.6  # an average score this high is still a reason


@dataclass(frozen=True, slots=True)
class Told:
    reasons: tuple[Reason, ...]
    caveat: str
    best_sentence: str
    counterfactual: str


class Explainer:
    """Explains the picks of one request."""

    def __init__(self, frame: Frame, rows: Rows, asked: Asked, gated: Gated) -> None:
        self._frame, self._rows, self._asked = frame, rows, asked
        self._counterfactuals = Counterfactuals(frame, asked, gated)

    def explain(self, index: int, criteria: tuple[CriterionScore, ...]) -> Told:
        facts = Facts(self._frame, int(self._rows[index]), self._asked)
        return Told(
            reasons=self._reasons(facts, criteria),
            caveat=caveats.caveat(facts, criteria),
            best_sentence=facts.best_sentence,
            counterfactual=self._counterfactuals.tell(criteria),
        )

    def _reasons(self, facts: Facts, criteria: tuple[CriterionScore, ...]) -> tuple[Reason, ...]:
        """The strongest contributions, w·(f - pool mean), that have a fact to show."""
        strongest = sorted(
            (line for line in criteria if line.weight and line.known),
            key=lambda line: -line.weight * (line.score - line.pool_mean),
        )
        worth_telling = (x for x in strongest if x.score >= min(x.pool_mean, GOOD))
        told = (self._tell(line)(facts, line) for line in worth_telling)
        return tuple(islice((reason for reason in told if reason), MOST_REASONS))

    def _tell(self, line: CriterionScore) -> Callable[[Facts, CriterionScore], Reason | None]:
        if line.name == CUSTOM:
            return reasons.custom
        return _TELL[self._asked.layout.definition.kind_of(line.name)]


_TELL: dict[CriterionKind, Callable[[Facts, CriterionScore], Reason | None]] = {
    CriterionKind.EXPERTISE: reasons.expertise,
    CriterionKind.OVERLAP: reasons.overlap,
    CriterionKind.STYLE: reasons.style,
    CriterionKind.LOGISTICS: reasons.logistics,
    CriterionKind.PRICING: reasons.pricing,
    CriterionKind.TRACK_RECORD: reasons.track_record,
    CriterionKind.CERTIFICATION: reasons.certification,
}
