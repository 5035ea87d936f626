"""Names cannot reverse the text around them, and must be visible."""

import pytest

from imatch.core.text import is_visible, without_direction_controls


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Ada \u202eelpmaxE\u202c", "Ada elpmaxE"),
        ("\u2066+1 555 0100\u2069", "+1 555 0100"),
        ("\u0645\u0631\u062d\u0628\u0627\u200f!", "\u0645\u0631\u062d\u0628\u0627\u200f!"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_direction_controls_are_removed(text: str, cleaned: str) -> None:
    assert without_direction_controls(text) == cleaned


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u200f\u2060", "\u0301"])
def test_invisible_text_is_detected(text: str) -> None:
    assert not is_visible(text)


def test_names_in_any_script_are_visible() -> None:
    assert all(map(is_visible, ["Ada", "明", "अदा", "👩\u200d🚀"]))
