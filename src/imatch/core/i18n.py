"""The language that the program speaks, as a CLDR locale. Its words and formats follow from it."""

from typing import Final

LOCALE: Final = "en_US"
