"""Pure functions of a need's answers: safety screens, relaxed rules, merging of pages."""

from collections.abc import Collection, Mapping
from typing import Any

from imatch.categories.schemas import (
    CategoryDefinition,
    FieldValues,
    FormPage,
    Gate,
    GateWhen,
    Importance,
    Screen,
    ScreenEffect,
)


def safety_stop(definition: CategoryDefinition, values: FieldValues) -> Screen | None:
    """The safety screen that these answers trigger, or None. With one, ranking is refused."""
    return next(iter(_screens_for(definition, values, ScreenEffect.STOP)), None)


def notices(definition: CategoryDefinition, values: FieldValues) -> list[Screen]:
    """The notices to show with the matches, such as a medical clearance."""
    return _screens_for(definition, values, ScreenEffect.NOTICE)


def _screens_for(
    definition: CategoryDefinition, values: FieldValues, effect: ScreenEffect
) -> list[Screen]:
    return [
        screen
        for screen in definition.screens
        if screen.effect is effect and values.get(screen.field)
    ]


def page_asking(definition: CategoryDefinition, field: str) -> int:
    """The number, from 1, of the intake page that contains a field."""
    return next(n for n, page in enumerate(definition.intake, 1) if field in page.fields)


def asks_for_safety(definition: CategoryDefinition, page: FormPage) -> bool:
    """Whether an answer on this page may trigger a safety stop. Such pages show no counts."""
    stops = (s.field for s in definition.screens if s.effect is ScreenEffect.STOP)
    return any(field in page.fields for field in stops)


def may_skip(definition: CategoryDefinition, page: FormPage) -> bool:
    return not any(definition.seeker[name].required for name in page.fields)


def field_of_rule(definition: CategoryDefinition, rule: str) -> str | None:
    """The seeker's field of a rule that may be relaxed, a gate or a must; None otherwise."""
    gate = _gate(definition, rule)
    if gate is None:
        return rule if rule in definition.seeker else None
    return gate.seeker if gate.relaxable and gate.when is not GateWhen.ALWAYS else None


def relaxed_importance(definition: CategoryDefinition, rule: str) -> Importance:
    """The importance of the rule's field after relaxing: PREFER for a must, else IGNORE."""
    gate = _gate(definition, rule)
    if gate is not None:
        return Importance.PREFER if gate.when is GateWhen.MUST else Importance.IGNORE
    field = definition.seeker[rule]
    return Importance.PREFER if field.can_be_must else Importance.IGNORE


def _gate(definition: CategoryDefinition, rule: str) -> Gate | None:
    return next((gate for gate in definition.gates if gate.name == rule), None)


def merged(
    page: FormPage,
    answers: Mapping[str, Any],
    page_answers: Mapping[str, Any],
    still_relaxed: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """The need's answers with a page's answers replaced.

    `still_relaxed`: fields of the page whose relaxed rule stays relaxed.
    """
    values = {k: v for k, v in answers["values"].items() if k not in page.fields}
    importance = {
        name: level
        for name, level in answers["importance"].items()
        if name not in page.fields or (level == Importance.IGNORE and name in still_relaxed)
    }
    return {
        "values": values | page_answers["values"],
        "importance": importance | page_answers["importance"],
    }


def next_page(definition: CategoryDefinition, values: FieldValues) -> int | None:
    """The number of the first intake page without any answer, or None."""
    unanswered = (
        number
        for number, page in enumerate(definition.intake, 1)
        if not any(name in values for name in page.fields)
    )
    return next(unanswered, None)
