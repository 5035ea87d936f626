"""What people post, type or send becomes clean values, or a message that says what to do."""

import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imatch.categories import checks, places
from imatch.categories.catalog import definition
from imatch.categories.forms import (
    describe,
    form_values,
    parse_cents,
    parse_form,
    parse_importance,
    validate,
    validate_importance,
)
from imatch.categories.schemas import FieldDefinition, Importance, Kind

ADVISORS = definition("financial_advisors")
SEEKER = ADVISORS.seeker
PROVIDER = ADVISORS.provider
EXTRA = {
    "fee": FieldDefinition(label="Fee", kind=Kind.MONEY),
    "since": FieldDefinition(label="Member since", kind=Kind.DATE),
}
EVERY_KIND = {**PROVIDER, **SEEKER, **EXTRA}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def faults(values: dict[str, Any], *, require: bool = False) -> dict[str, str]:
    """Messages by control for values of a seeker's and a provider's fields together."""
    _, errors = validate(ADVISORS, EVERY_KIND, values, require=require)
    return {error.control_id: error.message for error in errors}


def clean(name: str, value: object) -> object:
    values, errors = validate(ADVISORS, EVERY_KIND, {name: value}, require=False)
    assert errors == []
    return values.get(name)


def test_every_kind_is_tried_here() -> None:
    assert {field.kind for field in EVERY_KIND.values()} == set(Kind)


# ---- nothing that anybody sends raises; all of it is clean or has an error ----


@given(st.dictionaries(st.sampled_from(sorted(EVERY_KIND)), anything, max_size=6))
def test_any_json_is_cleaned_or_refused(values: dict[str, Any]) -> None:
    cleaned, errors = validate(ADVISORS, EVERY_KIND, values, require=True)
    refused = {error.field for error in errors}
    assert all(error.message for error in errors)
    assert not refused & cleaned.keys()
    again, second = validate(ADVISORS, EVERY_KIND, cleaned, require=False)
    assert (again, second) == (cleaned, [])
    for name, value in cleaned.items():
        assert describe(ADVISORS, EVERY_KIND[name], value)


@given(anything)
def test_any_json_in_place_of_the_object_is_refused_or_cleaned(values: object) -> None:
    _, errors = validate(ADVISORS, SEEKER, values, require=True)
    assert errors
    _, errors = validate_importance(SEEKER, values)
    assert errors or values == {}


CONTROLS = sorted(
    {
        *EVERY_KIND,
        *(f"{name}.{part}" for name in ("budget", "price") for part in ("min", "max", "unit")),
        *(f"place.{part}" for part in checks.PLACE_PARTS),
        *(f"style.{scale.name}" for scale in ADVISORS.style_scales),
        *(f"credentials.{i}.{part}" for i in range(4) for part in checks.CREDENTIAL_PARTS),
    }
)


@given(st.dictionaries(st.sampled_from(CONTROLS) | st.text(max_size=9), st.lists(st.text())))
def test_any_posted_form_is_read_and_shown_again(raw: dict[str, list[str]]) -> None:
    values = parse_form(ADVISORS, EVERY_KIND, EVERY_KIND, raw)
    cleaned, _ = validate(ADVISORS, EVERY_KIND, values, require=True)
    assert cleaned.keys() <= values.keys()
    assert form_values(EVERY_KIND, values).keys() <= {*raw, *CONTROLS}


# ---- clean values survive the trip into a form and back ----

amounts = st.integers(0, checks.MAX_CENTS)
dates = st.dates(min_value=date(1900, 1, 1)).map(str)
words = st.text(min_size=1, max_size=40)


def ranges(*, open_ended: bool) -> st.SearchStrategy[dict[str, Any]]:
    pairs = st.tuples(amounts, amounts).map(sorted)
    made = st.builds(
        lambda pair, unit: {"min_cents": pair[0], "max_cents": pair[1], "unit": unit},
        pairs,
        st.sampled_from(sorted(ADVISORS.vocabularies["price_units"])),
    )
    if not open_ended:
        return made
    return made | made.map(lambda value: {**value, "min_cents": None})


def value_of(field: FieldDefinition) -> st.SearchStrategy[Any]:
    options = st.sampled_from(sorted(ADVISORS.options(field)) or ["-"])
    strategies: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.TEXT: words,
        Kind.LONG_TEXT: words,
        Kind.TAGS: st.lists(options, unique=True, max_size=field.max_items),
        Kind.CHOICE: options,
        Kind.YES_NO: st.booleans(),
        Kind.NUMBER: st.integers(field.minimum, field.maximum),
        Kind.MONEY: amounts,
        Kind.BUDGET: ranges(open_ended=True),
        Kind.PRICE: ranges(open_ended=False),
        Kind.PLACE: st.sampled_from([city.as_place() for city in places.cities()]),
        Kind.WINDOWS: st.lists(st.sampled_from(sorted(checks.WINDOWS)), unique=True),
        Kind.STYLE: st.dictionaries(
            st.sampled_from([scale.name for scale in ADVISORS.style_scales]), st.integers(-3, 3)
        ),
        Kind.DATE: dates,
        Kind.URL: st.just("https://example.com/über?a=1"),
        Kind.CREDENTIALS: st.lists(
            st.fixed_dictionaries({"type": options, "number": words, "expires": dates}), max_size=3
        ),
    }
    return strategies[field.kind]


@given(st.data())
def test_clean_values_come_back_from_their_own_form(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(EVERY_KIND)))
    field = EVERY_KIND[name]
    cleaned, _ = validate(
        ADVISORS, {name: field}, {name: data.draw(value_of(field))}, require=False
    )
    back = parse_form(ADVISORS, {name: field}, [name], form_values({name: field}, cleaned))
    assert validate(ADVISORS, {name: field}, back, require=False) == (cleaned, [])


@given(amounts)
def test_an_amount_is_read_as_it_is_written(cents: int) -> None:
    assert parse_cents(checks.dollars(cents)) == cents


# ---- what people type ----


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("1,500", 150_000),
        ("1500.50", 150_050),
        ("1500.5", 150_050),
        ("$ 1,500", 150_000),
        ("15k", 1_500_000),
        ("1.5M", 150_000_000),
        ("-1", -100),
        ("٣٠٠", 30_000),
    ],
)
def test_amounts_as_people_type_them(typed: str, cents: int) -> None:
    assert parse_cents(typed) == cents


@pytest.mark.parametrize("typed", ["", "abc", "1,50", "1.234", "1e9", "9" * 400, "--5", "5-10"])
def test_what_is_no_amount_stays_as_typed(typed: str) -> None:
    assert parse_cents(typed) == typed


def test_a_posted_intake_page() -> None:
    raw = {
        "budget.min": ["15,000"],
        "budget.max": ["30k"],
        "budget.unit": ["year"],
        "place.city": [" Oakland "],
        "place.region": ["California"],
        "place.country": ["us"],
        "needs": ["retirement", "tax", "retirement", ""],
        "windows": ["wed_morning", "tue_evening"],
        "style.lead": ["-2"],
        "style.tone": [""],
        "fiduciary_required": ["yes"],
        "fee_only_required": ["no"],
        "risk": ["4"],
        "urgency": [""],
        "needs_description": ["Two lines\r\nof text"],
    }
    values = parse_form(ADVISORS, SEEKER, SEEKER, raw)
    cleaned, errors = validate(ADVISORS, SEEKER, values, require=True)
    assert errors == []
    assert cleaned == {
        "needs_description": "Two lines\nof text",
        "needs": ["retirement", "tax"],
        "budget": {"min_cents": 1_500_000, "max_cents": 3_000_000, "unit": "year"},
        "place": {"country": "US", "region": "CA", "city": "Oakland"},
        "windows": ["tue_evening", "wed_morning"],
        "style": {"lead": -2},
        "risk": 4,
        "fiduciary_required": True,
        "fee_only_required": False,
    }


def test_only_the_named_fields_of_a_page_are_read() -> None:
    raw = {"risk": ["4"], "urgency": ["flexible"]}
    assert parse_form(ADVISORS, SEEKER, ["risk", "no_such_field"], raw) == {"risk": 4}


def test_credential_rows_keep_their_order_and_lose_empty_rows() -> None:
    raw = {
        "credentials.10.type": ["CPA"],
        "credentials.2.type": ["CFP"],
        "credentials.2.expires": ["2027-03-31"],
        "credentials.3.type": [""],
    }
    values = parse_form(ADVISORS, PROVIDER, ["credentials"], raw)
    assert values == {"credentials": [{"type": "CFP", "expires": "2027-03-31"}, {"type": "CPA"}]}


def test_an_empty_form_gives_no_values() -> None:
    assert parse_form(ADVISORS, EVERY_KIND, EVERY_KIND, {}) == {}
    blank = {name: ["", " "] for name in CONTROLS} | {"budget.unit": ["year"]}
    assert parse_form(ADVISORS, EVERY_KIND, EVERY_KIND, blank) == {}


def test_a_web_address_may_leave_out_its_scheme() -> None:
    parsed = parse_form(ADVISORS, PROVIDER, ["website"], {"website": ["example.com"]})
    assert parsed == {"website": "https://example.com"}


# ---- limits ----


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


# ---- must, prefer, ignore ----


def test_importance_is_for_fields_that_can_be_a_must() -> None:
    raw = {"importance.budget": ["must"], "importance.format": [""], "importance.risk": ["must"]}
    parsed = parse_importance(SEEKER, raw)
    cleaned, errors = validate_importance(SEEKER, parsed)
    assert cleaned == {"budget": Importance.MUST}
    assert [(error.control_id, error.message) for error in errors] == [
        ("importance.risk", "“risk” cannot be marked as a must.")
    ]


def test_importance_has_three_levels() -> None:
    for level in ("always", ["must"], 1):
        _, errors = validate_importance(SEEKER, {"budget": level})
        assert [error.message for error in errors] == [
            "Choose must, prefer or ignore for “Budget”."
        ]


# ---- in words ----


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("budget", {"min_cents": 1_500_000, "max_cents": 3_000_000, "unit": "year"},
         "$15,000 to $30,000 a year"),
        ("budget", {"min_cents": None, "max_cents": 30_050, "unit": "session"},
         "up to $300.50 a session"),
        ("budget", {"min_cents": 100, "max_cents": None, "unit": "hour"}, "from $1 an hour"),
        ("price", {"min_cents": 9_900, "max_cents": 9_900, "unit": "month"}, "$99 a month"),
        ("windows", ["tue_evening", "wed_morning"], "Tue evening, Wed morning"),
        ("needs", ["tax", "no_longer_offered"], "Tax planning, no_longer_offered"),
        ("urgency", "this_week", "This week"),
        ("fiduciary_required", False, "No"),
        ("years_experience", 12, "12"),
        ("years_experience", 1964, "1964"),
        ("years_experience", 12_000, "12,000"),
        ("values", ["practicality", "patience"], "Practical, step by step; Patience"),
        ("fee", 150_000, "$1,500"),
        ("since", "2027-03-01", "1 March 2027"),
        ("place", {"country": "US", "region": "CA", "city": "Oakland"}, "Oakland, CA"),
        ("place", {"country": "US", "region": "CA"}, "California"),
        ("place", {"country": "GB", "region": "ENG", "city": "London"}, "London, United Kingdom"),
        ("style", {"lead": -3, "tone": 0},
         "Tells me what to do: strongly; Warm and patient / Direct and challenging: in between"),
        ("credentials", [{"type": "CFP", "number": "12", "expires": "2027-03-01"}, {"type": "EA"}],
         "CFP certificant (12, expires 1 March 2027); Enrolled Agent"),
        ("headline", "Plain words", "Plain words"),
    ],
)  # fmt: skip
def test_values_in_words(name: str, value: object, words: str) -> None:
    assert describe(ADVISORS, EVERY_KIND[name], value) == words
