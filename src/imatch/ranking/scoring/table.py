"""All criteria of all candidates as one table of whole numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CriterionKind
from imatch.ranking.fit import SCORE_UNITS, units
from imatch.ranking.pool.columns import Frame
from imatch.ranking.query import Asked
from imatch.ranking.scoring.criteria import (
    EXPERTISE_WEIGHTS,
    SIMPLE,
    TRACK_WEIGHTS,
    Rows,
    Scores,
    blend,
    logistics_parts,
    logistics_weights,
    track_parts,
    unknown,
)
from imatch.ranking.scoring.expertise import parts_of, words_part
from imatch.ranking.types import CriterionScore

CUSTOM = "custom_criteria"
CUSTOM_WEIGHT = 15  # of a seeker's own criteria, beside a category's 100


@dataclass(frozen=True, slots=True)
class Column:
    """One criterion for all candidates."""

    name: str
    label: str
    weight: int
    values: Scores  # NaN where unknown
    parts: Mapping[str, Scores] = field(default_factory=dict)
    silent: str = ""  # why it is not weighed, if the need says nothing about it


@dataclass(frozen=True, slots=True)
class Table:
    """All criteria for all candidates, in ten-thousandths, unknown ones at the mean."""

    columns: tuple[Column, ...]
    weights: NDArray[np.int64]
    scores: NDArray[np.int64]  # people by criteria
    known: NDArray[np.bool_]
    means: NDArray[np.int64]

    def lines(self, index: int) -> tuple[CriterionScore, ...]:
        """The arithmetic of one candidate, line by line."""
        return tuple(self._line(index, place) for place in range(len(self.columns)))

    def _line(self, index: int, place: int) -> CriterionScore:
        column, known = self.columns[place], bool(self.known[index, place])
        weight = int(self.weights[place])
        note = "" if known else "Not stated: counted at the average of the people considered."
        return CriterionScore(
            name=column.name,
            label=column.label,
            weight=weight,
            score=int(self.scores[index, place]) / SCORE_UNITS,
            pool_mean=int(self.means[place]) / SCORE_UNITS,
            known=known,
            parts={
                name: round(float(part[index]), 4)
                for name, part in column.parts.items()
                if not np.isnan(part[index])
            },
            note=note if weight else column.silent,
        )


def tabulate(columns: list[Column]) -> Table:
    """Fill the unknown with the pool's mean; what nobody is known by, or nobody asked, weighs 0."""
    values = np.column_stack([column.values for column in columns])
    known = ~np.isnan(values)
    sums = np.where(known, units(np.where(known, values, 0)), 0)
    counts = known.sum(axis=0)
    means = (2 * sums.sum(axis=0) + counts) // np.maximum(2 * counts, 1)
    weights = np.array([c.weight if n else 0 for c, n in zip(columns, counts, strict=True)])
    return Table(tuple(columns), weights, np.where(known, sums, means), known, means)


def columns_of(frame: Frame, rows: Rows, asked: Asked) -> list[Column]:
    """Every criterion of the category, in its order, then the seeker's own."""
    found = []
    taken = frame.taken(rows)
    for name, criterion in asked.layout.definition.criteria.items():
        kind = asked.layout.definition.kind_of(name)
        if kind is CriterionKind.EXPERTISE:
            parts, silent = parts_of(frame, rows, taken, asked), ""
            values = blend(parts, EXPERTISE_WEIGHTS)
        elif kind is CriterionKind.LOGISTICS:
            parts, silent = logistics_parts(taken, asked), "You did not say where or when."
            values = blend(parts, logistics_weights(asked)) if parts else unknown(rows)
        elif kind is CriterionKind.TRACK_RECORD:
            parts, silent = track_parts(frame, taken, asked), "Nobody here has a record yet."
            values = blend(parts, TRACK_WEIGHTS)
        else:
            parts, silent = {}, _silence(asked, name, criterion.label)
            values = SIMPLE[kind](taken, asked, name)
        found.append(Column(name, criterion.label, criterion.weight, values, parts, silent))
    if asked.need.custom_criteria:
        values = words_part(frame, rows, asked.custom_query)
        silent = "Nobody's own words mention these."
        found.append(Column(CUSTOM, "Your own criteria", CUSTOM_WEIGHT, values, {}, silent))
    return found


def _silence(asked: Asked, name: str, label: str) -> str:
    """Why a criterion could not be weighed: one of the two sides says nothing."""
    kind = asked.layout.definition.kind_of(name)
    said = {
        CriterionKind.STYLE: bool(asked.style),
        CriterionKind.PRICING: asked.budget is not None,
        CriterionKind.CERTIFICATION: True,
    }.get(kind, asked.wanted[name].count > 0)
    if said:
        return "Nobody among the people considered states this."
    return f"You did not say what you want here ({label.lower()})."
