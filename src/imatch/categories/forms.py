"""Parse forms, JSON and command line options into clean field values, and describe values in words.

A control's name is also its id: `budget.min`, `place.city`, `style.tone`, `credentials.0.type`,
`needs` for the group of boxes, `importance.budget`. Errors point at that id.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from imatch.categories import checks, places
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Importance, Kind
from imatch.core.errors import FieldError
from imatch.core.money import usd
from imatch.web.formats import long_day, money, number

Raw = Mapping[str, list[str]]

_AMOUNT = re.compile(
    r"([+-]?)\$?(\d{1,3}(?:,\d{3})+|\d{1,24})(?:\.(\d{1,2}))?([km]?)", re.IGNORECASE
)
_WHOLE = re.compile(r"[+-]?\d{1,24}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_THOUSANDS = {"": 1, "k": 1_000, "m": 1_000_000}
_LONGEST_AMOUNT = 40
_GROUPED_FROM = 10_000  # a smaller number may be a year
_STRENGTH = {1: "slightly", 2: "clearly", 3: "strongly"}


# ---- posted forms -> values ----


def parse_form(
    definition: CategoryDefinition,
    fields: Mapping[str, FieldDefinition],
    names: Iterable[str],
    raw: Raw,
) -> dict[str, Any]:
    """The values that a posted form holds for `names`; fields left empty are absent.

    Never raises: what cannot be read stays as it was typed, and `validate` says what is wrong.
    """
    values = {name: _parse(definition, fields[name], name, raw) for name in names if name in fields}
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _parse(definition: CategoryDefinition, field: FieldDefinition, name: str, raw: Raw) -> Any:  # noqa: ANN401 -- JSON of the field's kind
    match field.kind:
        case Kind.TAGS | Kind.WINDOWS:
            return [value for value in raw.get(name, []) if value.strip()]
        case Kind.BUDGET | Kind.PRICE:
            return _parse_amounts(name, raw)
        case Kind.PLACE:
            parts = {part: _one(raw, f"{name}.{part}") for part in checks.PLACE_PARTS}
            return {part: text for part, text in parts.items() if text}
        case Kind.STYLE:
            names = [scale.name for scale in definition.style_scales]
            points = {scale: _parse_whole(_one(raw, f"{name}.{scale}")) for scale in names}
            return {scale: point for scale, point in points.items() if point != ""}
        case Kind.CREDENTIALS:
            return _parse_rows(name, raw)
        case _:
            return _parse_simple(field.kind, _one(raw, name))


def _parse_simple(kind: Kind, typed: str) -> str | int | bool:
    match kind:
        case Kind.YES_NO:
            return {"yes": True, "no": False}.get(typed, typed)
        case Kind.NUMBER:
            return _parse_whole(typed)
        case Kind.MONEY:
            return parse_cents(typed)
        case Kind.URL if typed and not _SCHEME.match(typed):
            return f"https://{typed}"
        case _:
            return typed


def _one(raw: Raw, name: str) -> str:
    return next(iter(raw.get(name, [])), "").strip()


def _parse_whole(typed: str) -> int | str:
    return int(typed) if _WHOLE.fullmatch(typed) else typed


def parse_cents(typed: str) -> int | str:
    """Cents of an amount as people type it ("1,500", "$1500.50", "15k"), or the text itself."""
    compact = re.sub(r"\s", "", typed) if len(typed) <= _LONGEST_AMOUNT else ""
    found = _AMOUNT.fullmatch(compact)
    if found is None:
        return typed
    sign, whole, part, scale = found.groups()
    cents = int(whole.replace(",", "")) * 100 + int((part or "0").ljust(2, "0"))
    return cents * _THOUSANDS[scale.lower()] * (-1 if sign == "-" else 1)


def _parse_amounts(name: str, raw: Raw) -> dict[str, Any]:
    """A budget or price; a unit without any amount is a form's default, not an answer."""
    low, high = parse_cents(_one(raw, f"{name}.min")), parse_cents(_one(raw, f"{name}.max"))
    if low == "" and high == "":
        return {}
    return {
        "min_cents": None if low == "" else low,
        "max_cents": None if high == "" else high,
        "unit": _one(raw, f"{name}.unit"),
    }


def _parse_rows(name: str, raw: Raw) -> list[dict[str, str]]:
    part = re.compile(re.escape(name) + r"\.([0-9]{1,3})\.")
    indices = sorted({int(found[1]) for key in raw if (found := part.match(key))})
    rows = []
    for index in indices:
        texts = {key: _one(raw, f"{name}.{index}.{key}") for key in checks.CREDENTIAL_PARTS}
        if any(texts.values()):
            rows.append({key: text for key, text in texts.items() if text})
    return rows


def parse_importance(fields: Mapping[str, FieldDefinition], raw: Raw) -> dict[str, str]:
    """How much each field matters, as posted; `validate_importance` checks it."""
    posted = {name: _one(raw, f"importance.{name}") for name in fields}
    return {name: text for name, text in posted.items() if text}


# ---- values -> posted forms ----


def form_values(
    fields: Mapping[str, FieldDefinition], values: Mapping[str, Any]
) -> dict[str, list[str]]:
    """What each control of a form holds to show these values: the inverse of `parse_form`.

    Values that `validate` refused come back as they were typed.
    """
    controls: dict[str, list[str]] = {}
    for name, value in values.items():
        if name in fields:
            controls.update(_controls(fields[name].kind, name, value))
    return controls


def _controls(kind: Kind, name: str, value: Any) -> dict[str, list[str]]:  # noqa: ANN401 -- JSON of the field's kind
    match kind, value:
        case ((Kind.BUDGET | Kind.PRICE), dict()):
            shown = {
                part: _typed(value.get(f"{part}_cents"), money=True) for part in ("min", "max")
            }
            shown["unit"] = _typed(value.get("unit"))
            return {f"{name}.{part}": [text] for part, text in shown.items() if text}
        case ((Kind.PLACE | Kind.STYLE), dict()):
            return {f"{name}.{part}": [_typed(held)] for part, held in value.items()}
        case Kind.CREDENTIALS, list():
            return {
                f"{name}.{index}.{part}": [_typed(held)]
                for index, row in enumerate(value)
                for part, held in (row.items() if isinstance(row, dict) else ())
            }
        case _, list():
            return {name: [_typed(one) for one in value]}
        case _:
            return {name: [_typed(value, money=kind is Kind.MONEY)]}


def _typed(value: object, *, money: bool = False) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if money and checks.is_whole(value):
        whole, rest = divmod(abs(value), 100)
        sign = "-" if value < 0 else ""
        return f"{sign}{whole}.{rest:02}" if rest else f"{sign}{whole}"
    return str(value)


# ---- validation, the same for forms, JSON and the command line ----


def validate(
    definition: CategoryDefinition,
    fields: Mapping[str, FieldDefinition],
    values: object,
    *,
    require: bool,
) -> tuple[dict[str, Any], list[FieldError]]:
    """The clean values and every fault, in the order of `fields`.

    Empty answers are dropped; with `require` a required field without an answer is a fault.
    """
    if not isinstance(values, Mapping):
        return {}, [FieldError("", "Give the answers as an object of field names and values.")]
    errors = [
        FieldError(_short(name), f"There is no question “{_short(name)}” here.")
        for name in values
        if name not in fields
    ]
    clean: dict[str, Any] = {}
    for name, field in fields.items():
        try:
            value = checks.check(definition, field, values.get(name))
        except checks.AnswerFault as fault:
            errors.append(FieldError(name, fault.message, name + fault.part))
            continue
        if value is not None:
            clean[name] = value
        elif require and field.required:
            errors.append(FieldError(name, _missing(field), _first_control(name, field)))
    return clean, errors


def validate_importance(
    fields: Mapping[str, FieldDefinition], importance: object
) -> tuple[dict[str, Importance], list[FieldError]]:
    """How much each field matters to a seeker: only fields that `can_be_must` may say."""
    if not isinstance(importance, Mapping):
        return {}, [FieldError("", "Give the importance as an object of field names.")]
    clean: dict[str, Importance] = {}
    errors = []
    for name, level in importance.items():
        field = fields.get(name)
        if field is None or not field.can_be_must:
            message = f"“{_short(name)}” cannot be marked as a must."
        elif not isinstance(level, str) or level not in set(Importance):
            message = f"Choose must, prefer or ignore for “{field.label}”."
        else:
            clean[name] = Importance(level)
            continue
        errors.append(FieldError(_short(name), message, f"importance.{_short(name)}"))
    return clean, errors


def _short(name: object) -> str:
    """An unknown key, shortened so that an error message can show it."""
    return "".join(c for c in str(name)[:40] if c.isprintable())


def _missing(field: FieldDefinition) -> str:
    choosing = field.kind in {Kind.TAGS, Kind.CHOICE, Kind.WINDOWS, Kind.STYLE, Kind.YES_NO}
    return f"Choose an answer for “{field.label}”." if choosing else f"Fill in “{field.label}”."


def _first_control(name: str, field: FieldDefinition) -> str:
    first = {Kind.BUDGET: ".min", Kind.PRICE: ".min", Kind.PLACE: ".city"}
    return name + first.get(field.kind, "")


# ---- values -> words ----


def describe(definition: CategoryDefinition, field: FieldDefinition, value: Any) -> str:  # noqa: ANN401 -- JSON of the field's kind
    """A clean value in plain words: "$15,000 to $30,000 a year", "Tue evening, Wed morning"."""
    options = definition.options(field)
    match field.kind:
        case Kind.TAGS:
            return _listed([options.get(one, one) for one in value])
        case Kind.CHOICE:
            return options.get(value, str(value))
        case Kind.WINDOWS:
            return ", ".join(checks.WINDOWS.get(one, one) for one in value)
        case Kind.BUDGET | Kind.PRICE:
            return _describe_amounts(definition, value)
        case Kind.PLACE:
            return places.describe(value)
        case Kind.STYLE:
            return _describe_style(definition, value)
        case Kind.CREDENTIALS:
            return "; ".join(_describe_credential(options, row) for row in value)
        case _:
            return _describe_simple(field.kind, value)


def _listed(labels: list[str]) -> str:
    """Labels in a row, kept apart even where one has a comma of its own."""
    return ("; " if any("," in label for label in labels) else ", ").join(labels)


def _describe_simple(kind: Kind, value: Any) -> str:  # noqa: ANN401 -- JSON of the field's kind
    match kind:
        case Kind.YES_NO:
            return "Yes" if value else "No"
        case Kind.NUMBER:
            return number(value) if value >= _GROUPED_FROM else str(value)
        case Kind.MONEY:
            return money(usd(value))
        case Kind.DATE:
            return long_day(date.fromisoformat(value))
        case _:
            return str(value)


def _describe_amounts(definition: CategoryDefinition, value: Mapping[str, Any]) -> str:
    low, high = value.get("min_cents"), value.get("max_cents")
    if low is None:
        amount = f"up to {money(usd(high or 0))}"
    elif high is None:
        amount = f"from {money(usd(low))}"
    elif low == high:
        amount = money(usd(low))
    else:
        amount = f"{money(usd(low))} to {money(usd(high))}"
    unit = value.get("unit", "")
    return f"{amount} {definition.vocabularies['price_units'].get(unit, unit)}".strip()


def _describe_style(definition: CategoryDefinition, value: Mapping[str, int]) -> str:
    said = []
    for scale in definition.style_scales:
        point = value.get(scale.name)
        if point is None:
            continue
        if point == 0:
            said.append(f"{scale.low} / {scale.high}: in between")
        else:
            end = scale.low if point < 0 else scale.high
            said.append(f"{end}: {_STRENGTH[abs(point)]}")
    return "; ".join(said)


def _describe_credential(options: Mapping[str, str], row: Mapping[str, str]) -> str:
    details = [row[part] for part in ("issuer", "number", "jurisdiction") if part in row]
    if "expires" in row:
        details.append(f"expires {long_day(date.fromisoformat(row['expires']))}")
    name = options.get(row["type"], row["type"])
    return f"{name} ({', '.join(details)})" if details else name
