"""The arithmetic of a match written out, from what was stored, so that anybody can repeat it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from imatch.matches.explaining.stored import Explanation, Sides
from imatch.ranking import fit as arithmetic
from imatch.ranking.types import CriterionScore, Pick
from imatch.web.formats import number

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion: what was compared, and how many points of the fit it gave."""

    score: CriterionScore
    sides: Sides | None
    points: float  # weight · score
    usual_points: float  # what the mean of the people considered would have given


@dataclass(frozen=True, slots=True)
class Order:
    """fit · √accept · √room - price, with the factors as shown."""

    fit: float  # 0..1
    accept: float
    room: float
    price: float
    score: float  # as it was when the list was made, from unrounded factors


@dataclass(frozen=True, slots=True)
class Sums:
    lines: tuple[Line, ...]  # the weighed criteria, most points first
    left_out: tuple[CriterionScore, ...]  # criteria that did not count, each with its note
    written: str  # weight times score of each line, with plus signs between
    points: float
    weights: int
    fit: float  # computed from the lines now
    agrees: bool  # with the fit that was shown
    order: Order


def sums_of(explanation: Explanation, shown_fit: float) -> Sums:
    """Repeat the sum from the stored scores and compare it with the fit that was shown."""
    pick = explanation.pick
    weighed = [line for line in pick.criteria if line.weight]
    lines = sorted(
        (_line(line, explanation.sides.get(line.name)) for line in weighed),
        key=lambda line: -line.points,
    )
    fit = arithmetic.fit(pick.criteria)
    return Sums(
        lines=tuple(lines),
        left_out=tuple(line for line in pick.criteria if not line.weight),
        written=" + ".join(
            f"{line.score.weight} {TIMES} {number(line.score.score, 4)}" for line in lines
        ),
        points=math.fsum(line.points for line in lines),
        weights=sum(line.weight for line in weighed),
        fit=fit,
        agrees=fit == shown_fit == pick.fit,
        order=_order(pick, weighed),
    )


def _line(score: CriterionScore, sides: Sides | None) -> Line:
    return Line(
        score, sides, round(score.weight * score.score, 4), round(score.weight * score.pool_mean, 4)
    )


def _order(pick: Pick, weighed: Sequence[CriterionScore]) -> Order:
    total = sum(line.weight for line in weighed)
    share = sum(line.weight * line.score for line in weighed) / total if total else 0.0
    return Order(
        share, pick.accept, max(1 - pick.occupancy, 0.0), pick.exposure_price, pick.order_score
    )
