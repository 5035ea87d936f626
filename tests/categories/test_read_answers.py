"""What people post, type or send becomes clean values, whatever it is, and can be shown again."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imatch.categories import checks, places
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
from imatch.core.money import usd
from imatch.web.formats import money
from tests.categories.answers import ADVISORS, EVERY_KIND, PROVIDER, SEEKER

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


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
    assert parse_cents(money(usd(cents))) == cents


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
