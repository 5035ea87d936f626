"""What the form macros draw, `parse_form` reads back: every kind, in every category."""

from html.parser import HTMLParser
from typing import Any

import pytest

from imatch.categories import forms
from imatch.categories.catalog import definitions
from imatch.categories.form_view import FormView
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Kind
from imatch.core.errors import FieldError
from imatch.web.rendering import environment

TEMPLATE = """{% import "fields.html" as category_fields %}
{% for name in form.fields %}{{ category_fields.field(form, name, with_importance) }}{% endfor %}"""


class Controls(HTMLParser):
    """The controls of a page as a browser would send them, and every id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.targets: list[str] = []
        self._select = self._textarea = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(given["id"] or "")
        self.targets += (given.get("for") or "").split()
        self.targets += (given.get("aria-describedby") or "").split()
        name = given.get("name") or ""
        boxed = given.get("type") in {"checkbox", "radio"}
        if tag == "input" and (not boxed or "checked" in given):
            self.sent.setdefault(name, []).append(given.get("value") or "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.sent.setdefault(self._select, []).append(given.get("value") or "")
        elif tag == "textarea":
            self._textarea = name

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.sent.setdefault(self._textarea, []).append(data.removeprefix("\n"))


def sample(definition: CategoryDefinition, field: FieldDefinition) -> Any:  # noqa: ANN401 -- JSON
    options = list(definition.options(field))
    scales = [scale.name for scale in definition.style_scales]
    by_kind: dict[Kind, Any] = {
        Kind.TEXT: 'A "quoted" <b>line</b>'[: field.maximum],
        Kind.LONG_TEXT: "Two lines\n& <more>",
        Kind.TAGS: options[-field.max_items :],
        Kind.CHOICE: options[-1:] and options[-1],
        Kind.YES_NO: True,
        Kind.NUMBER: field.minimum,
        Kind.MONEY: 12_345,
        Kind.BUDGET: {"min_cents": None, "max_cents": 150_050, "unit": "month"},
        Kind.PRICE: {"min_cents": 100, "max_cents": 150_000, "unit": "hour"},
        Kind.PLACE: {"country": "US", "region": "CA", "city": "Oakland"},
        Kind.WINDOWS: ["mon_morning", "sun_evening"],
        Kind.STYLE: dict(zip(scales, [-3, 0, 3, 1], strict=False)),
        Kind.DATE: "2027-03-31",
        Kind.URL: "https://example.com/?a=1&b=2",
        Kind.CREDENTIALS: [
            {"type": options[0], "number": "7", "expires": "2031-01-02"} if options else {},
            {"type": options[-1], "issuer": "Board & Co"} if options else {},
        ],
    }
    return by_kind[field.kind]


def drawn(form: FormView, *, with_importance: bool) -> Controls:
    page = environment().from_string(TEMPLATE)
    return Controls(page.render(form=form, with_importance=with_importance))


SIDES = [
    pytest.param(definition, side, id=f"{name}-{side}")
    for name, definition in definitions().items()
    for side in ("seeker", "provider")
]


@pytest.mark.parametrize(("definition", "side"), SIDES)
def test_every_field_keeps_what_it_holds(definition: CategoryDefinition, side: str) -> None:
    fields: dict[str, FieldDefinition] = getattr(definition, side)
    values = {name: sample(definition, field) for name, field in fields.items()}
    form = FormView(definition, fields, forms.form_values(fields, values))
    sent = drawn(form, with_importance=False).sent
    read = forms.parse_form(definition, fields, fields, sent)
    assert forms.validate(definition, fields, read, require=True) == (values, [])


@pytest.mark.parametrize(("definition", "side"), SIDES)
def test_an_untouched_form_says_nothing(definition: CategoryDefinition, side: str) -> None:
    fields: dict[str, FieldDefinition] = getattr(definition, side)
    sent = drawn(FormView(definition, fields, {}), with_importance=True).sent
    assert forms.parse_form(definition, fields, fields, sent) == {}
    levels, errors = forms.validate_importance(fields, forms.parse_importance(fields, sent))
    assert errors == []
    assert set(levels.values()) <= {"prefer", "ignore"}


@pytest.mark.parametrize(("definition", "side"), SIDES)
def test_errors_lead_to_a_control(definition: CategoryDefinition, side: str) -> None:
    fields: dict[str, FieldDefinition] = getattr(definition, side)
    wrong: dict[str, object] = {name: {"other": 1} for name in fields}
    _clean, errors = forms.validate(definition, fields, wrong, require=True)
    errors += [FieldError("", "About nothing in particular.")]
    _clean, missing = forms.validate(definition, fields, {}, require=True)
    for faults in (errors, missing):
        controls = drawn(FormView(definition, fields, {}, {}, faults), with_importance=True)
        assert len(controls.ids) == len(set(controls.ids))
        assert {fault.control_id for fault in faults if fault.field} <= set(controls.ids)
        assert set(controls.targets) <= set(controls.ids)
