"""All criteria of all candidates as one table of integers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imatch.categories.schemas import CriterionKind
from imatch.ranking.fit import SCORE_UNITS, units
from imatch.ranking.pool.snapshots import Snapshot
from imatch.ranking.query import Query
from imatch.ranking.scoring.criteria import (
    EXPERTISE_WEIGHTS,
    SIMPLE_CRITERIA,
    TRACK_WEIGHTS,
    Scores,
    blend,
    logistics_parts,
    logistics_weights,
    track_parts,
    unknown,
)
from imatch.ranking.scoring.expertise import parts_of, words_part
from imatch.ranking.types import CriterionScore, Rows

CUSTOM = "custom_criteria"
CUSTOM_WEIGHT = 15  # of the seeker's own criteria; a category's weights sum to 100


@dataclass(frozen=True, slots=True)
class Column:
    """One criterion for all candidates."""

    name: str
    label: str
    weight: int
    values: Scores  # NaN where unknown
    parts: Mapping[str, Scores] = field(default_factory=dict)
    absence_note: str = ""  # why the criterion has weight 0, if it has


@dataclass(frozen=True, slots=True)
class Table:
    """All criteria for all candidates in ten-thousandths; unknown scores are the mean."""

    columns: tuple[Column, ...]
    weights: NDArray[np.int64]  # by criterion
    scores: NDArray[np.int64]  # candidates by criteria
    known: NDArray[np.bool_]  # candidates by criteria
    means: NDArray[np.int64]  # by criterion

    def lines(self, index: int) -> tuple[CriterionScore, ...]:
        """The scores of one candidate, criterion by criterion."""
        return tuple(self._line(index, position) for position in range(len(self.columns)))

    def _line(self, index: int, position: int) -> CriterionScore:
        column, known = self.columns[position], bool(self.known[index, position])
        weight = int(self.weights[position])
        note = "" if known else "Not stated: counted at the average of the people considered."
        return CriterionScore(
            name=column.name,
            label=column.label,
            weight=weight,
            score=int(self.scores[index, position]) / SCORE_UNITS,
            pool_mean=int(self.means[position]) / SCORE_UNITS,
            known=known,
            parts={
                name: round(float(part[index]), 4)
                for name, part in column.parts.items()
                if not np.isnan(part[index])
            },
            note=note if weight else column.absence_note,
        )


def tabulate(columns: list[Column]) -> Table:
    """Replace unknown scores by the mean; a criterion unknown for all candidates gets weight 0."""
    values = np.column_stack([column.values for column in columns])
    known = ~np.isnan(values)
    sums = np.where(known, units(np.where(known, values, 0)), 0)
    counts = known.sum(axis=0)
    means = (2 * sums.sum(axis=0) + counts) // np.maximum(2 * counts, 1)
    weights = np.array(
        [column.weight if count else 0 for column, count in zip(columns, counts, strict=True)]
    )
    return Table(tuple(columns), weights, np.where(known, sums, means), known, means)


def columns_of(snapshot: Snapshot, rows: Rows, query: Query) -> list[Column]:
    """Every criterion of the category in its order, then the seeker's own criteria."""
    columns = []
    gathered = snapshot.gather(rows)
    for name, criterion in query.layout.definition.criteria.items():
        kind = query.layout.definition.kind_of(name)
        if kind is CriterionKind.EXPERTISE:
            parts, absence_note = parts_of(snapshot, rows, gathered, query), ""
            values = blend(parts, EXPERTISE_WEIGHTS)
        elif kind is CriterionKind.LOGISTICS:
            parts, absence_note = logistics_parts(gathered, query), "You did not say where or when."
            values = blend(parts, logistics_weights(query)) if parts else unknown(rows)
        elif kind is CriterionKind.TRACK_RECORD:
            parts, absence_note = (
                track_parts(snapshot, gathered, query),
                "Nobody here has a record yet.",
            )
            values = blend(parts, TRACK_WEIGHTS)
        else:
            parts, absence_note = {}, _absence_note(query, name, criterion.label)
            values = SIMPLE_CRITERIA[kind](gathered, query, name)
        columns.append(Column(name, criterion.label, criterion.weight, values, parts, absence_note))
    if query.need.custom_criteria:
        values = words_part(snapshot, rows, query.custom_term_weights)
        absence_note = "Nobody's own words mention these."
        columns.append(Column(CUSTOM, "Your own criteria", CUSTOM_WEIGHT, values, {}, absence_note))
    return columns


def _absence_note(query: Query, name: str, label: str) -> str:
    """Why a criterion has weight 0: the seeker or all providers left it open."""
    kind = query.layout.definition.kind_of(name)
    is_wanted = {
        CriterionKind.STYLE: bool(query.style),
        CriterionKind.PRICING: query.budget is not None,
        CriterionKind.CERTIFICATION: True,
    }.get(kind, query.wanted[name].count > 0)
    if is_wanted:
        return "Nobody among the people considered states this."
    return f"You did not say what you want here ({label.lower()})."
