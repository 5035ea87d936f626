"""The CLDR locale of the program, which determines its number, date and money formats."""

from typing import Final

LOCALE: Final = "en_US"
