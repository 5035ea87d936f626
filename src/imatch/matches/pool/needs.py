"""Convert a seeker's answers into the input of the ranking engine."""

from collections.abc import Mapping
from typing import Any

from imatch.categories.schemas import CategoryDefinition, Importance, Kind
from imatch.ranking.types import StatedNeed


def stated_need(
    definition: CategoryDefinition,
    values: Mapping[str, Any],
    importance: Mapping[str, str],
    custom_criteria: str = "",
) -> StatedNeed:
    """Validated answers as a StatedNeed: long texts joined, all other answers by field."""
    texts = [
        values[name]
        for name, field in definition.seeker.items()
        if field.kind is Kind.LONG_TEXT and name in values
    ]
    return StatedNeed(
        category=definition.name,
        text="\n".join(texts),
        answers=values,
        importance={name: Importance(level) for name, level in importance.items()},
        custom_criteria=custom_criteria,
    )
