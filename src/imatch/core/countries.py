"""All countries: ISO 3166-1 codes with names from Unicode's CLDR."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from babel import Locale

from imatch.core.i18n import LOCALE
from imatch.core.text import folded_name

# Other territories in CLDR: unions of states, parts of countries without an ISO 3166-1 code, and
# test codes. XK is not among them: Kosovo has no ISO code, but it has banks.
_NOT_COUNTRIES = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
)


@cache
def country_names(locale: str = LOCALE) -> Mapping[str, str]:
    """Country names by code, sorted by name."""
    names = {
        code: str(name)
        for code, name in Locale.parse(locale).territories.items()
        if re.fullmatch("[A-Z]{2}", code) and code not in _NOT_COUNTRIES
    }
    by_name = sorted(names.items(), key=lambda item: folded_name(item[1]))
    return MappingProxyType(dict(by_name))
