"""A field of every kind, and what becomes of values for it."""

from typing import Any

from imatch.categories.catalog import definition
from imatch.categories.forms import validate
from imatch.categories.schemas import FieldDefinition, Kind

ADVISORS = definition("financial_advisors")
SEEKER = ADVISORS.seeker
PROVIDER = ADVISORS.provider
EXTRA = {
    "fee": FieldDefinition(label="Fee", kind=Kind.MONEY),
    "since": FieldDefinition(label="Member since", kind=Kind.DATE),
}
EVERY_KIND = {**PROVIDER, **SEEKER, **EXTRA}


def faults(values: dict[str, Any], *, require: bool = False) -> dict[str, str]:
    """Messages by control for values of a seeker's and a provider's fields together."""
    _, errors = validate(ADVISORS, EVERY_KIND, values, require=require)
    return {error.control_id: error.message for error in errors}


def clean(name: str, value: object) -> object:
    values, errors = validate(ADVISORS, EVERY_KIND, {name: value}, require=False)
    assert errors == []
    return values.get(name)
