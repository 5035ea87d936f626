"""An answer that cannot be right is refused with a message that says what to do."""

import unicodedata

import pytest

from imatch.categories import checks
from imatch.categories.forms import form_values, parse_form, validate
from tests.categories.answers import ADVISORS, EVERY_KIND, PROVIDER, SEEKER, clean, faults


@pytest.mark.parametrize(
    ("name", "value", "control", "message"),
    [
        ("budget", {"max_cents": 10**18, "unit": "year"}, "budget.max",
         "Enter a budget of at most $1,000,000,000."),
        ("budget", {"min_cents": -1, "unit": "year"}, "budget.min",
         "Enter a budget of $0 or more."),
        ("budget", {"min_cents": 2, "max_cents": 1, "unit": "year"}, "budget.min",
         "Enter a budget whose lowest amount is not above the highest."),
        ("budget", {"min_cents": 1}, "budget.unit",
         "Choose what a budget is for: a session, an hour, a year and so on."),
        ("budget", {"min_cents": 1, "unit": "decade"}, "budget.unit",
         "Choose what a budget is for: a session, an hour, a year and so on."),
        ("budget", {"min_cents": True, "unit": "year"}, "budget.min",
         "Enter a budget as a number, such as 1,500."),
        ("budget", {"min_cents": 1, "unit": "year", "tip": 1}, "budget",
         "Give a budget with no other parts than min_cents, max_cents, unit."),
        ("budget", 5, "budget", "Give a budget with the parts min_cents, max_cents, unit."),
        ("price", {"min_cents": 1, "unit": "year"}, "price.max",
         "Enter the lowest and the highest price; the same twice for one price."),
        ("price", {"min_cents": 1, "max_cents": 2}, "price.unit",
         "Choose what a price is for: a session, an hour, a year and so on."),
        ("fee", 1.5, "fee", "Enter an amount for “Fee” as a number, such as 1,500."),
        ("risk", True, "risk",
         "Enter a whole number for “How much up and down can you live with? (1 none, 5 a lot)”."),
        ("display_name", "a" * 81, "display_name",
         "Shorten “Name shown to people” to 80 characters; it has 81."),
        ("bio", "a" * 5_001, "bio",
         "Shorten “In your own words” to 5,000 characters; it has 5,001."),
        ("bio", "a" * 1_000_000, "bio",
         "Shorten “In your own words” to 5,000 characters; it has 1,000,000."),
        ("bio", "a\x00b", "bio",
         "Take the hidden control character (U+0000) out of “In your own words”."),
        ("bio", "\ud800", "bio",
         "Take the hidden control character (U+D800) out of “In your own words”."),
        ("bio", ["a"], "bio", "Write “In your own words” as text."),
        ("headline", "a\nb", "headline", "Write “One line about what you do” on one line."),
        ("headline", "a\u2028b", "headline", "Write “One line about what you do” on one line."),
        ("needs", ["retirement", "plumbing"], "needs", "Choose “Topics” from the answers shown."),
        ("needs", "retirement", "needs", "Give “Topics” as a list of the answers shown."),
        ("needs", ["retirement", "tax", "estate", "debt", "business", "divorce"], "needs",
         "Choose at most 5 for “Topics”; you chose 6."),
        ("urgency", "yesterday", "urgency", "Choose one of the answers shown for “How soon”."),
        ("fiduciary_required", "yes", "fiduciary_required",
         "Answer “Always acts as a fiduciary” with yes or no."),
        ("place", {"city": "Oakland"}, "place.country", "Choose a country."),
        ("place", {"country": "US", "city": "Oakland"}, "place.region",
         "Choose the state that the city is in."),
        ("place", {"country": "US", "region": "Bavaria"}, "place.region",
         "Choose a state of the United States, such as California or CA."),
        ("place", {"country": "US", "postal_code": "9" * 13}, "place.postal_code",
         "Shorten “postal code” to 12 characters; it has 13."),
        ("windows", ["tue_night"], "windows",
         "Choose “Times that suit you” from the answers shown."),
        ("style", {"lead": 4}, "style.lead",
         "Choose a point on the scale for “How you like to be worked with”."),
        ("style", {"speed": 1}, "style",
         "Give “How you like to be worked with” with no other parts than lead, tone, evidence."),
        ("since", "2027-02-30", "since",
         "Enter “Member since” as a date that exists, such as 2027-03-31."),
        ("since", "20270331", "since", "Enter “Member since” as a date such as 2027-03-31."),
        ("website", "javascript:alert(1)", "website",
         "Enter “Website” as a web address such as https://example.com."),
        ("website", "https://user:pw@example.com", "website",
         "Enter “Website” as a web address such as https://example.com."),
        ("website", "http://[", "website",
         "Enter “Website” as a web address such as https://example.com."),
        ("credentials", "CFP", "credentials", "Give “Licences and certifications” as a list."),
        ("credentials", [{"type": "CFP"}, {"number": "7"}], "credentials.1.type",
         "Choose the kind of credential from the list."),
        ("credentials", [{"type": "CFP", "issued": "2027-01-02", "expires": "2027-01-01"}],
         "credentials.0.expires",
         "Enter an expiry date that is not before the date of issue."),
        ("credentials", [{"type": "CFP"}] * 41, "credentials",
         "List at most 40 under “Licences and certifications”."),
    ],
)  # fmt: skip
def test_a_wrong_answer_says_what_to_do(
    name: str, value: object, control: str, message: str
) -> None:
    assert faults({name: value}) == {control: message}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", {"min_cents": 9_900, "max_cents": 9_900, "unit": "session"}),
        ("price", {"min_cents": 0, "max_cents": checks.MAX_CENTS, "unit": "year"}),
        ("place", {"country": "US"}),
        ("place", {"country": "DE", "city": "Bonn"}),
        ("website", "http://bücher.example:8080/a?b=c#d"),
        ("credentials", [{"type": "CFP", "issued": "2026-01-01", "expires": "2026-01-01"}]),
        ("since", "2028-02-29"),
        ("style", {"lead": -3, "tone": 0, "evidence": 3}),
    ],
)
def test_what_is_right_stays_as_it_is(name: str, value: object) -> None:
    assert clean(name, value) == value


def test_a_number_outside_its_range_is_refused() -> None:
    assert faults({"risk": 6}).keys() == {"risk"}
    assert faults({"risk": 0}).keys() == {"risk"}
    assert clean("risk", 5) == 5


def test_what_could_not_be_read_is_named_and_shown_again_as_typed() -> None:
    raw = {"budget.max": ["a lot"], "budget.unit": ["year"], "risk": ["high"]}
    values = parse_form(ADVISORS, SEEKER, ["budget", "risk"], raw)
    assert faults(values).keys() == {"budget.max", "risk"}
    assert form_values(SEEKER, values) == raw


def test_unknown_fields_are_refused_and_fit_to_show() -> None:
    _, errors = validate(ADVISORS, SEEKER, {"is_admin\x00" + "x" * 99: True}, require=False)
    assert [error.message for error in errors] == [
        f"There is no question “is_admin{'x' * 31}” here."
    ]


def test_required_fields_are_asked_for_only_when_required() -> None:
    fields = {name: PROVIDER[name] for name in ("display_name", "specialties", "price", "place")}
    assert validate(ADVISORS, fields, {}, require=False) == ({}, [])
    _, errors = validate(ADVISORS, fields, {"display_name": " \u200b "}, require=True)
    assert [(error.control_id, error.message) for error in errors] == [
        ("display_name", "Fill in “Name shown to people”."),
        ("specialties", "Choose an answer for “Topics you work on”."),
        ("price.min", "Fill in “Price, all-in”."),
    ]


def test_empty_answers_are_dropped() -> None:
    empty: dict[str, object] = {
        "needs": [],
        "urgency": "",
        "risk": "",
        "fiduciary_required": "",
        "budget": {"min_cents": None, "max_cents": None, "unit": "year"},
        "place": {"city": " "},
        "price": {"unit": "year"},
        "style": {"lead": None},
        "needs_description": "\n",
        "credentials": [{}],
        "since": "",
        "fee": None,
        "website": "",
    }
    assert validate(ADVISORS, EVERY_KIND, empty, require=False) == ({}, [])


@pytest.mark.parametrize("text", ["שלום עולם", "مرحبا", "👩‍👩‍👧‍👦 family", "Zoë Ångström"])
def test_all_scripts_and_emoji_are_welcome(text: str) -> None:
    assert clean("headline", unicodedata.normalize("NFD", text)) == unicodedata.normalize(
        "NFC", text
    )
