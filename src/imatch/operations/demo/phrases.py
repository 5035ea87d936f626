"""The words that the demo's people are made of, and how they are put together."""

import tomllib
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from imatch.categories.schemas import CategoryDefinition

_BIO_PARTS = ("openings", "methods", "audiences", "outcomes", "personal")


@lru_cache
def phrases() -> dict[str, Any]:
    path = Path(__file__).with_name("phrases.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def of_category(table: str, category: str) -> Any:  # noqa: ANN401 -- lists or tables, as in the file
    """A category's own entry of a table, or the default one."""
    return phrases()[table].get(category, phrases()[table]["default"])


def full_name(random: Random) -> tuple[str, str]:
    return random.choice(phrases()["first_names"]), random.choice(phrases()["last_names"])


def business_name(random: Random, category: str, first: str, last: str) -> str:
    pattern: str = random.choice(phrases()["business_patterns"])
    return pattern.format(
        first=first,
        last=last,
        street=random.choice(phrases()["streets"]),
        trade=random.choice(of_category("trades", category)),
    )


def headline(random: Random, definition: CategoryDefinition, topics: list[str]) -> str:
    """One line such as "Tax planning and retirement, without jargon"."""
    first, *others = topics
    patterns = [
        f"{definition.singular.capitalize()} for {lowered(first)}",
        f"{first}, explained until it makes sense",
        f"Steady help with {lowered(first)}",
    ]
    if others:
        second = lowered(others[0])
        patterns += [
            f"{first} and {second}, one step at a time",
            f"{definition.singular.capitalize()}: {lowered(first)} and {second}",
        ]
    return random.choice(patterns)[:120]


def bio(random: Random, topics: list[str], city: str, years: int, singular: str) -> str:
    """Three to five sentences in somebody's own voice."""
    words = _slots(random, topics, singular) | {"city": city, "years": max(years, 2)}
    parts = [random.choice(phrases()[part]) for part in _BIO_PARTS]
    if random.random() < 0.3:
        parts.pop(random.choice((1, 2)))
    return " ".join(part.format(**words) for part in parts if part)


def need_text(random: Random, topics: list[str], singular: str) -> str:
    """What a seeker might write: two or three sentences."""
    words = _slots(random, topics, singular)
    details = random.sample(phrases()["need_details"], random.choice((1, 2)))
    return " ".join([random.choice(phrases()["need_openings"]).format(**words), *details])


def _slots(random: Random, topics: list[str], singular: str) -> dict[str, Any]:
    topic = topics[0]
    other = random.choice(topics[1:] or topics)
    return {
        "topic": lowered(topic),
        "topic_capital": topic[0].upper() + topic[1:],
        "other": lowered(other),
        "singular": singular,
    }


def lowered(label: str) -> str:
    """A label inside a sentence: capitals of abbreviations such as ADHD stay."""
    first, *rest = label.split(" ")
    plain = first[1:].islower() or len(first) == 1
    return " ".join([first.lower() if plain else first, *rest])
