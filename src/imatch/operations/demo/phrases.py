"""Texts of the demo people, composed from `phrases.toml`."""

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


def for_category(table: str, category: str) -> Any:  # noqa: ANN401 -- lists or tables, as in the file
    """The category's entry of a table, or the default entry."""
    return phrases()[table].get(category, phrases()[table]["default"])


def full_name(random: Random) -> tuple[str, str]:
    return random.choice(phrases()["first_names"]), random.choice(phrases()["last_names"])


def business_name(random: Random, category: str, first: str, last: str) -> str:
    pattern: str = random.choice(phrases()["business_patterns"])
    return pattern.format(
        first=first,
        last=last,
        street=random.choice(phrases()["streets"]),
        trade=random.choice(for_category("trades", category)),
    )


def headline(random: Random, definition: CategoryDefinition, topics: list[str]) -> str:
    """A headline such as "Tax planning and retirement, one step at a time"."""
    first, *others = topics
    patterns = [
        f"{definition.singular.capitalize()} for {lower_first(first)}",
        f"{first}, explained until it makes sense",
        f"Steady help with {lower_first(first)}",
    ]
    if others:
        second = lower_first(others[0])
        patterns += [
            f"{first} and {second}, one step at a time",
            f"{definition.singular.capitalize()}: {lower_first(first)} and {second}",
        ]
    return random.choice(patterns)[:120]


def bio(random: Random, topics: list[str], city: str, years: int, singular: str) -> str:
    """A biography of four or five sentences in the first person."""
    words = _placeholders(random, topics, singular) | {"city": city, "years": max(years, 2)}
    parts = [random.choice(phrases()[part]) for part in _BIO_PARTS]
    if random.random() < 0.3:
        parts.pop(random.choice((1, 2)))
    return " ".join(part.format(**words) for part in parts if part)


def need_text(random: Random, topics: list[str], singular: str) -> str:
    """A need in the words of a seeker: two or three sentences."""
    words = _placeholders(random, topics, singular)
    details = random.sample(phrases()["need_details"], random.choice((1, 2)))
    return " ".join([random.choice(phrases()["need_openings"]).format(**words), *details])


def _placeholders(random: Random, topics: list[str], singular: str) -> dict[str, Any]:
    topic = topics[0]
    other = random.choice(topics[1:] or topics)
    return {
        "topic": lower_first(topic),
        "topic_capital": topic[0].upper() + topic[1:],
        "other": lower_first(other),
        "singular": singular,
    }


def lower_first(label: str) -> str:
    """A label for use inside a sentence; abbreviations such as ADHD keep their capitals."""
    first, *rest = label.split(" ")
    is_word = first[1:].islower() or len(first) == 1
    return " ".join([first.lower() if is_word else first, *rest])
