"""Random plausible values for any field of any category, by the kind of field."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

from imatch.categories.checks import WINDOWS
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Kind
from imatch.operations.demo.phrases import for_category

_CENTS = 100
_WEEKDAY_WEIGHT = 3.0  # relative to a weekend window


def fill(
    random: Random,
    definition: CategoryDefinition,
    fields: dict[str, FieldDefinition],
    today: date,
    *,
    answered: float,
) -> dict[str, Any]:
    """A value for every required field, and for each optional one with probability `answered`."""
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
    """A random value; None for texts, links and names, except required short texts."""
    generators: dict[Kind, Callable[[], Any]] = {
        Kind.TAGS: lambda: weighted_sample(
            random, list(definition.options(field)), min(field.max_items, 4)
        ),
        Kind.CHOICE: lambda: weighted_choice(random, list(definition.options(field))),
        Kind.YES_NO: lambda: random.random() < 0.85,
        Kind.NUMBER: partial(_small_number, random, field),
        Kind.STYLE: lambda: {scale.name: _style_value(random) for scale in definition.style_scales},
        Kind.WINDOWS: partial(windows, random),
        Kind.DATE: partial(_future_date, random, today),
        Kind.BUDGET: partial(budget, random, definition),
    }
    if field.required:
        generators[Kind.TEXT] = lambda: f"DEMO-{random.randint(10_000, 99_999)}"
    return generators[field.kind]() if field.kind in generators else None


def _small_number(random: Random, field: FieldDefinition) -> int:
    """A number near the field's minimum."""
    return min(field.maximum, field.minimum + int(random.expovariate(0.6)))


def _future_date(random: Random, today: date) -> str:
    return (today + timedelta(days=random.randint(30, 700))).isoformat()


def weighted_choice(random: Random, options: list[str]) -> str:
    """One of the options; option i has the weight 1/i."""
    return random.choices(options, [1 / rank for rank in range(1, len(options) + 1)])[0]


def weighted_sample(random: Random, options: list[str], max_count: int) -> list[str]:
    """One to `max_count` different options, drawn by `weighted_choice`."""
    chosen = {
        weighted_choice(random, options): None
        for _ in range(random.randint(1, max(max_count, 1)) + 1)
    }
    return list(chosen)[:max_count]


def _style_value(random: Random) -> int:
    return max(-3, min(3, round(random.gauss(0, 1.6))))


def windows(random: Random) -> list[str]:
    """Up to nine weekly times, mostly on weekdays."""
    weights = [1.0 if name.startswith(("sat", "sun")) else _WEEKDAY_WEIGHT for name in WINDOWS]
    chosen = set(random.choices(list(WINDOWS), weights, k=random.randint(3, 9)))
    return [name for name in WINDOWS if name in chosen]


def price(random: Random, definition: CategoryDefinition) -> dict[str, Any]:
    """A price range in one of the category's usual units; low prices are more common."""
    unit, low, high = _typical_range(random, definition)
    lowest = low + (high - low) * random.betavariate(1.6, 3.2)
    highest = lowest * random.choice((1.0, 1.0, 1.15, 1.25, 1.5))
    return {"min_cents": _rounded_cents(lowest), "max_cents": _rounded_cents(highest), "unit": unit}


def budget(random: Random, definition: CategoryDefinition) -> dict[str, Any]:
    """A budget: an upper limit, sometimes with a lower one."""
    unit, low, high = _typical_range(random, definition)
    highest = low + (high - low) * random.betavariate(2.2, 2.6)
    lowest = _rounded_cents(highest * 0.6) if random.random() < 0.3 else None
    return {"min_cents": lowest, "max_cents": _rounded_cents(highest * 1.2), "unit": unit}


def _typical_range(random: Random, definition: CategoryDefinition) -> tuple[str, float, float]:
    ranges: dict[str, list[int]] = for_category("prices", definition.name)
    unit = weighted_choice(random, list(ranges))
    low, high = ranges[unit]
    return unit, float(low), float(high)


def _rounded_cents(dollars: float) -> int:
    """Dollars as cents, rounded to $5, from $1,000 on to $100."""
    step = 5 if dollars < 1_000 else 100
    return round(dollars / step) * step * _CENTS
