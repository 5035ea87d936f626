import pycountry
import pytest

from imatch.core.countries import country_names


def test_the_countries_are_those_of_iso_3166_and_kosovo() -> None:
    assert set(country_names()) == {country.alpha_2 for country in pycountry.countries} | {"XK"}


def test_names_are_in_alphabetical_order_whatever_their_accents() -> None:
    names = list(country_names().values())
    assert names[:3] == ["Afghanistan", "Åland Islands", "Albania"]
    assert names[-1] == "Zimbabwe"


def test_names_follow_the_locale() -> None:
    assert country_names()["DE"] == "Germany"
    assert country_names("fr_FR")["DE"] == "Allemagne"
    assert set(country_names("fr_FR")) == set(country_names())


def test_nobody_can_change_the_list_for_others() -> None:
    with pytest.raises(TypeError):
        country_names()["XX"] = "Nowhere"  # type: ignore[index]
