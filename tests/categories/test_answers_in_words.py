"""Clean values as people read them."""

import pytest

from imatch.categories.forms import describe
from tests.categories.answers import ADVISORS, EVERY_KIND


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("budget", {"min_cents": 1_500_000, "max_cents": 3_000_000, "unit": "year"},
         "$15,000 to $30,000 a year"),
        ("budget", {"min_cents": None, "max_cents": 30_050, "unit": "session"},
         "up to $300.50 a session"),
        ("budget", {"min_cents": 100, "max_cents": None, "unit": "hour"}, "from $1 an hour"),
        ("price", {"min_cents": 9_900, "max_cents": 9_900, "unit": "month"}, "$99 a month"),
        ("windows", ["tue_evening", "wed_morning"], "Tue evening, Wed morning"),
        ("needs", ["tax", "no_longer_offered"], "Tax planning, no_longer_offered"),
        ("urgency", "this_week", "This week"),
        ("fiduciary_required", False, "No"),
        ("years_experience", 12, "12"),
        ("years_experience", 1964, "1964"),
        ("years_experience", 12_000, "12,000"),
        ("values", ["practicality", "patience"], "Practical, step by step; Patience"),
        ("fee", 150_000, "$1,500"),
        ("since", "2027-03-01", "1 March 2027"),
        ("place", {"country": "US", "region": "CA", "city": "Oakland"}, "Oakland, CA"),
        ("place", {"country": "US", "region": "CA"}, "California"),
        ("place", {"country": "GB", "region": "ENG", "city": "London"}, "London, United Kingdom"),
        ("style", {"lead": -3, "tone": 0},
         "Tells me what to do: strongly; Warm and patient / Direct and challenging: in between"),
        ("credentials", [{"type": "CFP", "number": "12", "expires": "2027-03-01"}, {"type": "EA"}],
         "CFP certificant (12, expires 1 March 2027); Enrolled Agent"),
        ("headline", "Plain words", "Plain words"),
    ],
)  # fmt: skip
def test_values_in_words(name: str, value: object, words: str) -> None:
    assert describe(ADVISORS, EVERY_KIND[name], value) == words
