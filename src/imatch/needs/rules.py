"""What answers mean, decided without I/O: safety screens, relaxed rules, kept importance."""

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


def stopped(definition: CategoryDefinition, values: FieldValues) -> Screen | None:
    """The safety screen that these answers call for: nobody may be ranked while it stands."""
    return next(iter(_called_for(definition, values, ScreenEffect.STOP)), None)


def notices(definition: CategoryDefinition, values: FieldValues) -> list[Screen]:
    """What must be said beside the matches, such as a clearance before a first session."""
    return _called_for(definition, values, ScreenEffect.NOTICE)


def _called_for(
    definition: CategoryDefinition, values: FieldValues, effect: ScreenEffect
) -> list[Screen]:
    return [
        screen
        for screen in definition.screens
        if screen.effect is effect and values.get(screen.field)
    ]


def page_asking(definition: CategoryDefinition, field: str) -> int:
    """The number of the intake page that asks a field, from 1."""
    return next(n for n, page in enumerate(definition.intake, 1) if field in page.fields)


def asks_for_safety(definition: CategoryDefinition, page: FormPage) -> bool:
    """Whether an answer on this page may stop the walk: no place to count people."""
    stops = (s.field for s in definition.screens if s.effect is ScreenEffect.STOP)
    return any(field in page.fields for field in stops)


def may_skip(definition: CategoryDefinition, page: FormPage) -> bool:
    return not any(definition.seeker[name].required for name in page.fields)


def field_of_rule(definition: CategoryDefinition, rule: str) -> str | None:
    """The seeker's field behind a rule that may be relaxed: a gate's, or the must of a field."""
    gate = _gate(definition, rule)
    if gate is None:
        return rule if rule in definition.seeker else None
    return gate.seeker if gate.relaxable and gate.when is not GateWhen.ALWAYS else None


def relaxed(definition: CategoryDefinition, rule: str) -> Importance:
    """What the field behind a rule becomes: weighed where it was a must, else left out."""
    gate = _gate(definition, rule)
    if gate is not None:
        return Importance.PREFER if gate.when is GateWhen.MUST else Importance.IGNORE
    field = definition.seeker[rule]
    return Importance.PREFER if field.can_be_must else Importance.IGNORE


def _gate(definition: CategoryDefinition, rule: str) -> Gate | None:
    return next((gate for gate in definition.gates if gate.name == rule), None)


def merged(
    page: FormPage,
    held: Mapping[str, Any],
    answered: Mapping[str, Any],
    still_relaxed: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """The answers with a page's new ones in place of its old ones.

    `still_relaxed` names the fields of the page whose relaxed rule stays relaxed.
    """
    values = {k: v for k, v in held["values"].items() if k not in page.fields}
    importance = {
        name: level
        for name, level in held["importance"].items()
        if name not in page.fields or (level == Importance.IGNORE and name in still_relaxed)
    }
    return {
        "values": values | answered["values"],
        "importance": importance | answered["importance"],
    }


def next_page(definition: CategoryDefinition, values: FieldValues) -> int | None:
    """The first intake page without any answer; None when each has one."""
    empty = (
        number
        for number, page in enumerate(definition.intake, 1)
        if not any(name in values for name in page.fields)
    )
    return next(empty, None)
