"""Places are found, located and measured the way people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imatch.categories import places
from imatch.core.countries import country_names


def test_every_state_and_many_countries_have_cities() -> None:
    cities = places.cities()
    assert {city.region for city in cities if city.country == "US"} == set(places.us_states())
    assert sum(city.country == "US" for city in cities) >= 250
    assert sum(city.country != "US" for city in cities) >= 100
    assert {city.country for city in cities} <= set(country_names())


def test_every_city_lies_on_the_globe_and_is_found_again() -> None:
    for city in places.cities():
        assert -90 < city.latitude < 90
        assert -180 < city.longitude < 180
        assert places.locate(city.as_place()) == (city.latitude, city.longitude)


@pytest.mark.parametrize("country", ["US", "CA", "GB"])
def test_cities_of_a_country_lie_together(country: str) -> None:
    west, east, south, north = {
        "US": (-180, -66, 18, 72),
        "CA": (-141, -52, 41, 84),
        "GB": (-9, 2, 49, 61),
    }[country]
    for city in places.cities():
        if city.country == country:
            assert west < city.longitude < east, city
            assert south < city.latitude < north, city


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ({"country": "US", "region": "CA", "city": "san francisco"}, True),
        ({"country": "us", "region": "california", "city": "SAN FRANCISCO"}, True),
        ({"country": "US", "region": "MO", "city": "Saint Louis"}, True),
        ({"country": "CH", "city": "Zurich"}, True),
        ({"country": "DE", "region": "Bayern", "city": "München"}, True),
        ({"country": "US", "region": "NJ", "city": "Oakland"}, False),
        ({"country": "US", "city": "Portland"}, False),
        ({"country": "US", "region": "CA"}, False),
        ({"country": "FR", "city": "Berlin"}, False),
        ({}, False),
    ],
)
def test_locate_knows_cities_only(place: dict[str, str], found: bool) -> None:
    assert (places.locate(place) is not None) is found


def test_distances_are_those_of_the_map() -> None:
    san_francisco, oakland, austin = (
        found
        for city, region in (("San Francisco", "CA"), ("Oakland", "CA"), ("Austin", "TX"))
        if (found := places.locate({"country": "US", "region": region, "city": city}))
    )
    assert 10 < places.distance_km(san_francisco, oakland) < 20
    assert 2_350 < places.distance_km(san_francisco, austin) < 2_450
    assert places.distance_km(austin, austin) == 0


points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(points, points)
def test_distance_is_symmetric_and_bounded(a: tuple[float, float], b: tuple[float, float]) -> None:
    assert 0 <= places.distance_km(a, b) <= 20_016
    assert places.distance_km(a, b) == pytest.approx(places.distance_km(b, a))


def test_suggestions_follow_what_is_typed() -> None:
    assert places.suggest("oak") == [
        {"country": "US", "region": "IL", "city": "Oak Park"},
        {"country": "US", "region": "CA", "city": "Oakland"},
    ]
    assert places.suggest("sao p", country="BR")[0]["city"] == "São Paulo"
    assert places.suggest("nyc")[0]["city"] == "New York"
    assert len(places.suggest("s")) == 8
    assert places.suggest("") == []
    assert places.suggest("\x00") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Oakland, CA", [{"country": "US", "region": "CA", "city": "Oakland"}]),
        ("oakland, california, usa", [{"country": "US", "region": "CA", "city": "Oakland"}]),
        ("London, UK", [{"country": "GB", "region": "ENG", "city": "London"}]),
        ("London, ON", [{"country": "CA", "region": "ON", "city": "London"}]),
        ("Fresh Meadows, NY", [{"country": "US", "region": "NY", "city": "Fresh Meadows"}]),
        ("Bonn, Germany", [{"country": "DE", "city": "Bonn"}]),
        ("Texas", [{"country": "US", "region": "TX"}]),
        ("Germany", [{"country": "DE"}]),
        ("Atlantis", []),
        ("Oakland, Atlantis", []),
        ("", []),
    ],
)
def test_a_line_of_text_means_these_places(text: str, found: list[dict[str, str]]) -> None:
    assert places.search(text) == found


def test_an_ambiguous_line_names_every_place() -> None:
    assert {place["region"] for place in places.search("Portland")} == {"OR", "ME"}


@given(st.text())
def test_no_text_breaks_the_search(text: str) -> None:
    for place in places.search(text):
        assert places.describe(place)
