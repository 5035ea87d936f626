"""Nobody's name turns a page around, and everybody has one that is seen."""

import pytest

from imatch.core.text import is_visible, without_direction_controls


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada \u202eelpmaxE\u202c", "Ada elpmaxE"),
        ("\u2066+1 555 0100\u2069", "+1 555 0100"),
        ("\u0645\u0631\u062d\u0628\u0627\u200f!", "\u0645\u0631\u062d\u0628\u0627\u200f!"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_text_cannot_turn_its_surroundings_around(typed: str, kept: str) -> None:
    assert without_direction_controls(typed) == kept


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u200f\u2060", "\u0301"])
def test_nothing_is_not_a_name(text: str) -> None:
    assert not is_visible(text)


def test_a_name_in_any_script_is_seen() -> None:
    assert all(map(is_visible, ["Ada", "明", "अदा", "👩\u200d🚀"]))
