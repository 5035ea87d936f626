"""Plausible values for any field of any category, by the field's kind."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

from imatch.categories.checks import WINDOWS
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Kind
from imatch.operations.demo.phrases import of_category

_CENTS = 100
_OFFICE_HOURS = 3.0  # how much likelier a weekday window is than one at the weekend


def fill(
    random: Random,
    definition: CategoryDefinition,
    fields: dict[str, FieldDefinition],
    today: date,
    *,
    answered: float,
) -> dict[str, Any]:
    """A value for every required field, and for each other one with the chance `answered`."""
    values = {}
    for name, field in fields.items():
        if field.required or random.random() < answered:
            value = _value(random, definition, field, today)
            if value is not None:
                values[name] = value
    return values


def _value(
    random: Random, definition: CategoryDefinition, field: FieldDefinition, today: date
) -> Any:  # noqa: ANN401 -- JSON of the field's kind
    """None for what is no business of chance: words, links, names; a required number is made up."""
    draw: dict[Kind, Callable[[], Any]] = {
        Kind.TAGS: lambda: some(random, list(definition.options(field)), min(field.max_items, 4)),
        Kind.CHOICE: lambda: early(random, list(definition.options(field))),
        Kind.YES_NO: lambda: random.random() < 0.85,
        Kind.NUMBER: partial(_small_number, random, field),
        Kind.STYLE: lambda: {scale.name: _leaning(random) for scale in definition.style_scales},
        Kind.WINDOWS: partial(windows, random),
        Kind.DATE: partial(_coming_date, random, today),
        Kind.BUDGET: partial(budget, random, definition),
    }
    if field.required:
        draw[Kind.TEXT] = lambda: f"DEMO-{random.randint(10_000, 99_999)}"
    return draw[field.kind]() if field.kind in draw else None


def _small_number(random: Random, field: FieldDefinition) -> int:
    """Most often the least that the field takes, or a little more."""
    return min(field.maximum, field.minimum + int(random.expovariate(0.6)))


def _coming_date(random: Random, today: date) -> str:
    return (today + timedelta(days=random.randint(30, 700))).isoformat()


def early(random: Random, options: list[str]) -> str:
    """One of the options; the earlier it stands, the likelier (1, 1/2, 1/3, …)."""
    return random.choices(options, [1 / place for place in range(1, len(options) + 1)])[0]


def some(random: Random, options: list[str], most: int) -> list[str]:
    """One to `most` different options, the early ones likelier, in the order drawn."""
    drawn = {early(random, options): None for _ in range(random.randint(1, max(most, 1)) + 1)}
    return list(drawn)[:most]


def _leaning(random: Random) -> int:
    return max(-3, min(3, round(random.gauss(0, 1.6))))


def windows(random: Random) -> list[str]:
    """Between three and nine weekly times, mostly on weekdays."""
    weights = [1.0 if name.startswith(("sat", "sun")) else _OFFICE_HOURS for name in WINDOWS]
    drawn = set(random.choices(list(WINDOWS), weights, k=random.randint(3, 9)))
    return [name for name in WINDOWS if name in drawn]


def price(random: Random, definition: CategoryDefinition) -> dict[str, Any]:
    """A range in the category's usual units; prices cluster low, as real ones do."""
    unit, low, high = _typical(random, definition)
    lowest = low + (high - low) * random.betavariate(1.6, 3.2)
    highest = lowest * random.choice((1.0, 1.0, 1.15, 1.25, 1.5))
    return {"min_cents": _rounded(lowest), "max_cents": _rounded(highest), "unit": unit}


def budget(random: Random, definition: CategoryDefinition) -> dict[str, Any]:
    """What somebody is ready to pay: an upper amount, at times a lower one."""
    unit, low, high = _typical(random, definition)
    most = low + (high - low) * random.betavariate(2.2, 2.6)
    least = _rounded(most * 0.6) if random.random() < 0.3 else None
    return {"min_cents": least, "max_cents": _rounded(most * 1.2), "unit": unit}


def _typical(random: Random, definition: CategoryDefinition) -> tuple[str, float, float]:
    usual: dict[str, list[int]] = of_category("prices", definition.name)
    unit = early(random, list(usual))
    low, high = usual[unit]
    return unit, float(low), float(high)


def _rounded(dollars: float) -> int:
    """Cents, in steps that people really ask for: $5, from $1,000 on $100."""
    step = 5 if dollars < 1_000 else 100
    return round(dollars / step) * step * _CENTS
