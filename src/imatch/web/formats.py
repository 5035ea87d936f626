"""How amounts, numbers and days read."""

from datetime import date


def day_words(day: date) -> str:
    """A day as "3 Mar 2026"."""
    return f"{day.day} {day:%b %Y}"
