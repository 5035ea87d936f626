"""The arithmetic of a match, written out from its stored scores so that anyone can repeat it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from imatch.matches.explaining.stored import Explanation, Sides
from imatch.ranking.fit import fit as fit_of
from imatch.ranking.types import CriterionScore, Pick
from imatch.web.formats import number

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion: what was compared, and how many points it contributed to the fit."""

    score: CriterionScore
    sides: Sides | None
    points: float  # weight · score
    usual_points: float  # weight · mean score of the people considered


@dataclass(frozen=True, slots=True)
class Order:
    """The order score, fit · √accept · √room - price, with its factors as shown."""

    fit: float  # 0..1
    accept: float
    room: float
    price: float
    score: float  # as stored when the list was made, from unrounded factors


@dataclass(frozen=True, slots=True)
class FitArithmetic:
    """The fit of a match as a sum of weighted criteria."""

    lines: tuple[Line, ...]  # the weighted criteria, most points first
    not_counted: tuple[CriterionScore, ...]  # criteria of weight 0, each with its note
    formula: str  # Σ weight × score, written out
    points: float  # the sum
    weights: int  # the sum of weights
    fit: float  # recomputed from the lines, 0..100
    agrees: bool  # whether it equals the fit that was shown
    order: Order


def arithmetic_of(explanation: Explanation, shown_fit: float) -> FitArithmetic:
    """Recompute the fit from the stored scores and compare it with the fit that was shown."""
    pick = explanation.pick
    weighted = [line for line in pick.criteria if line.weight]
    lines = sorted(
        (_line(line, explanation.sides.get(line.name)) for line in weighted),
        key=lambda line: -line.points,
    )
    fit = fit_of(pick.criteria)
    return FitArithmetic(
        lines=tuple(lines),
        not_counted=tuple(line for line in pick.criteria if not line.weight),
        formula=" + ".join(
            f"{line.score.weight} {TIMES} {number(line.score.score, 4)}" for line in lines
        ),
        points=math.fsum(line.points for line in lines),
        weights=sum(line.weight for line in weighted),
        fit=fit,
        agrees=fit == shown_fit == pick.fit,
        order=_order(pick, weighted),
    )


def _line(score: CriterionScore, sides: Sides | None) -> Line:
    return Line(
        score, sides, round(score.weight * score.score, 4), round(score.weight * score.pool_mean, 4)
    )


def _order(pick: Pick, weighted: Sequence[CriterionScore]) -> Order:
    total = sum(line.weight for line in weighted)
    share = sum(line.weight * line.score for line in weighted) / total if total else 0.0
    return Order(
        share, pick.accept, max(1 - pick.occupancy, 0.0), pick.exposure_price, pick.order_score
    )
