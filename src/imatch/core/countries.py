"""The world's countries: ISO 3166-1 codes, with names from Unicode's CLDR."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from babel import Locale

from imatch.core.i18n import LOCALE
from imatch.core.text import folded_name

# CLDR lists these beside the countries: unions of states, parts of countries that have no code of
# their own in ISO 3166-1, and codes for tests. XK stays: Kosovo has no ISO code yet, but banks.
_NOT_COUNTRIES = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
)


@cache
def country_names(locale: str = LOCALE) -> Mapping[str, str]:
    """The name of each country by its code, in alphabetical order of the names."""
    names = {
        code: str(name)
        for code, name in Locale.parse(locale).territories.items()
        if re.fullmatch("[A-Z]{2}", code) and code not in _NOT_COUNTRIES
    }
    in_order = sorted(names.items(), key=lambda item: folded_name(item[1]))
    return MappingProxyType(dict(in_order))
