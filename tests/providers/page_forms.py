"""What a browser posts from a page of the profile builder."""

from typing import Any

from imatch.categories import forms
from imatch.categories.catalog import definition
from tests.factories.providers import ADVISORS


def page_form(number: int, values: dict[str, Any]) -> dict[str, list[str]]:
    """The form of page `number` of an advisor's builder, filled in with `values`."""
    advisors = definition(ADVISORS)
    fields = {name: advisors.provider[name] for name in advisors.profile[number - 1].fields}
    return forms.form_values(fields, values)
