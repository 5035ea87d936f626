"""Places: coordinates, distances and parsing, from a small offline gazetteer.

A place is what a PLACE field holds: {"country": "US", "region": "CA", "city": "Oakland",
"postal_code": "94607"}, every part but the country optional.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from imatch.core.countries import country_names
from imatch.core.text import folded_name

_HERE = Path(__file__).parent
_EARTH_RADIUS_KM = 6_371.0
_SUGGESTIONS = 8


@dataclass(frozen=True, slots=True)
class City:
    name: str
    region: str
    country: str
    latitude: float
    longitude: float

    def as_place(self) -> dict[str, str]:
        return {"country": self.country, "region": self.region, "city": self.name}


def locate(place: Mapping[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude of a place's city, in degrees; None unless that city is known.

    A region alone has no location: its centre would put a seeker hours away from where they live.
    Rules about regions (a licence, a registration) compare regions and do not need one.
    """
    found = _cities_named(str(place.get("city") or ""), str(place.get("country") or ""))
    region = str(place.get("region") or "")
    if region:
        code = us_state_code(region) or region.upper()
        same_region = [city for city in found if city.region == code]
        # Outside the United States regions are typed freely, so one city of the name is enough.
        found = same_region or [city for city in found if city.country != "US"]
    return (found[0].latitude, found[0].longitude) if len(found) == 1 else None


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance of two (latitude, longitude) pairs, by the haversine formula."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    half = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))


def suggest(prefix: str, *, country: str = "", limit: int = _SUGGESTIONS) -> list[dict[str, str]]:
    """Places whose city begins with what somebody has typed so far, in the order of their names."""
    start = folded_name(prefix)
    if not start:
        return []
    wanted = country.upper()
    found = [
        city
        for name, cities in _gazetteer().items()
        if name.startswith(start)
        for city in cities
        if not wanted or city.country == wanted
    ]
    unique = dict.fromkeys(sorted(found, key=lambda city: (folded_name(city.name), city.region)))
    return [city.as_place() for city in list(unique)[:limit]]


def search(text: str) -> list[dict[str, str]]:
    """Every place that a line such as "Oakland, CA", "London" or "Texas" can mean.

    More than one means that the writer has to say which; none, that it is no place known here.
    """
    name, *qualifiers = (part.strip() for part in text.split(","))
    region, country = _qualified(qualifiers)
    if qualifiers and not region and not country:
        return []
    found = [city for city in _cities_named(name, country) if not region or city.region == region]
    if found:
        return [city.as_place() for city in found]
    if qualifiers and country and name:
        return [{"country": country, **({"region": region} if region else {}), "city": name}]
    return _whole_region(name) if not qualifiers else []


def _qualified(qualifiers: list[str]) -> tuple[str, str]:
    """The region and country that the words behind a city's name stand for."""
    region = country = ""
    for word in qualifiers:
        if state := us_state_code(word):
            region, country = state, country or "US"
        elif code := _country_code(word):
            country = code
        elif word.upper() in _region_codes():
            region = word.upper()
    return region, country


def _whole_region(name: str) -> list[dict[str, str]]:
    if state := us_state_code(name):
        return [{"country": "US", "region": state}]
    code = _country_code(name)
    return [{"country": code}] if code else []


def describe(place: Mapping[str, str]) -> str:
    """A place in words: "San Francisco, CA", "London, United Kingdom", "Texas"."""
    country, region, city = (place.get(part, "") for part in ("country", "region", "city"))
    country_name = country_names().get(country, country)
    if country != "US":
        return ", ".join(part for part in (city or region, country_name) if part)
    if city and region:
        return f"{city}, {region}"
    return city or us_states().get(region, region) or country_name


@lru_cache
def us_states() -> dict[str, str]:
    """Codes and names of the states, and of the District of Columbia."""
    common = tomllib.loads((_HERE / "common.toml").read_text(encoding="utf-8"))
    states: dict[str, str] = common["vocabularies"]["us_states"]
    return states


def us_state_code(text: str) -> str | None:
    """CA for "CA", "ca" or "California"."""
    return _us_state_codes().get(folded_name(text))


def cities() -> list[City]:
    """Every city of the gazetteer, once."""
    return list(dict.fromkeys(city for named in _gazetteer().values() for city in named))


@lru_cache
def _us_state_codes() -> dict[str, str]:
    names = us_states()
    return {folded_name(text): code for code, name in names.items() for text in (code, name)}


@lru_cache
def _country_codes() -> dict[str, str]:
    known = {
        folded_name(text): code for code, name in country_names().items() for text in (code, name)
    }
    return known | {"uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US"}


def _country_code(text: str) -> str | None:
    return _country_codes().get(folded_name(text))


@lru_cache
def _region_codes() -> frozenset[str]:
    return frozenset(city.region for city in cities())


def _cities_named(name: str, country: str = "") -> list[City]:
    named = _gazetteer().get(folded_name(name), [])
    return [city for city in named if not country or city.country == country.upper()]


@lru_cache
def _gazetteer() -> dict[str, list[City]]:
    """Cities by folded name or alias."""
    read = tomllib.loads((_HERE / "places.toml").read_text(encoding="utf-8"))
    aliases: dict[str, str] = read.pop("aliases")
    index: dict[str, list[City]] = {}
    for country, regions in read.items():
        for region, named in regions.items():
            for name, (latitude, longitude) in named.items():
                city = City(name, region, country, latitude, longitude)
                index.setdefault(folded_name(name), []).append(city)
    for alias, name in aliases.items():
        index.setdefault(folded_name(alias), []).extend(index[folded_name(name)])
    return index
