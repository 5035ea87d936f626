"""Validate and clean one value of each kind of field, with a helpful error for people."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from imatch.categories import places
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, Kind
from imatch.core.countries import country_names
from imatch.core.money import usd
from imatch.core.text import is_visible, without_direction_controls
from imatch.web.formats import money, number

DAYS: Final = {
    "mon": "Mon",
    "tue": "Tue",
    "wed": "Wed",
    "thu": "Thu",
    "fri": "Fri",
    "sat": "Sat",
    "sun": "Sun",
}
PARTS_OF_DAY: Final = {"morning": "morning", "afternoon": "afternoon", "evening": "evening"}
WINDOWS: Final = {
    f"{day}_{part}": f"{DAYS[day]} {PARTS_OF_DAY[part]}" for day in DAYS for part in PARTS_OF_DAY
}
CREDENTIAL_PARTS: Final = ("type", "issuer", "number", "jurisdiction", "issued", "expires")
PLACE_PARTS: Final = {"country": 2, "region": 60, "city": 100, "postal_code": 12}
MAX_CENTS: Final = 100_000_000_000
MAX_TEXT: Final = 200
MAX_LONG_TEXT: Final = 5_000
MAX_URL: Final = 300
MAX_CREDENTIAL_TEXT: Final = 120
STYLE_LIMIT: Final = 3

_ISO_DATE = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+", re.IGNORECASE)
# One base letter may carry several marks that NFC then joins: look at no more text than could fit.
_LONGEST_BEFORE_NFC = 4


class AnswerFault(ValueError):
    """One answer is wrong: `part` is the control within the field (".min"), or empty."""

    def __init__(self, message: str, part: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.part = part


def check(definition: CategoryDefinition, field: FieldDefinition, value: object) -> Any:  # noqa: ANN401 -- JSON of the field's kind
    """The clean value, or None for an empty answer. Raises AnswerFault for an invalid one."""
    if value is None:
        return None
    return _CHECKS[field.kind](definition, field, value)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a JSON value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def clean_text(value: object, label: str, limit: int, *, lines: bool = False) -> str | None:
    """Text in NFC with its ends trimmed, or None when nothing in it is visible."""
    if not isinstance(value, str):
        raise AnswerFault(f"Write “{label}” as text.")
    if len(value) > limit * _LONGEST_BEFORE_NFC:
        raise AnswerFault(
            f"Shorten “{label}” to {number(limit)} characters; it has {number(len(value))}."
        )
    text = value.replace("\r\n", "\n").replace("\r", "\n") if lines else value
    text = (
        text if lines else without_direction_controls(text)
    )  # names appear inside other people's sentences
    text = unicodedata.normalize("NFC", text).strip(" \t\n")
    _refuse_control_characters(text, label, lines=lines)
    if len(text) > limit:
        raise AnswerFault(
            f"Shorten “{label}” to {number(limit)} characters; it has {number(len(text))}."
        )
    return text if is_visible(text) else None


def _refuse_control_characters(text: str, label: str, *, lines: bool) -> None:
    allowed = "\n\t" if lines else ""
    for character in text:
        kind = unicodedata.category(character)
        line_break = kind in {"Zl", "Zp"} or character in "\n\r"
        if line_break and not lines:
            raise AnswerFault(f"Write “{label}” on one line.")
        if kind in {"Cc", "Cs"} and character not in allowed:
            raise AnswerFault(
                f"Take the hidden control character (U+{ord(character):04X}) out of “{label}”."
            )


def _text(_: CategoryDefinition, field: FieldDefinition, value: object) -> str | None:
    return clean_text(value, field.label, min(field.maximum, MAX_TEXT))


def _long_text(_: CategoryDefinition, field: FieldDefinition, value: object) -> str | None:
    return clean_text(value, field.label, min(field.maximum, MAX_LONG_TEXT), lines=True)


def _chosen(field: FieldDefinition, value: object, options: Mapping[str, str]) -> list[str] | None:
    if not isinstance(value, list):
        raise AnswerFault(f"Give “{field.label}” as a list of the answers shown.")
    if not all(isinstance(one, str) and one in options for one in value):
        raise AnswerFault(f"Choose “{field.label}” from the answers shown.")
    unique = list(dict.fromkeys(value))
    if len(unique) > field.max_items:
        raise AnswerFault(
            f"Choose at most {field.max_items} for “{field.label}”; you chose {len(unique)}."
        )
    return unique or None


def _tags(
    definition: CategoryDefinition, field: FieldDefinition, value: object
) -> list[str] | None:
    return _chosen(field, value, definition.options(field))


def _windows(_: CategoryDefinition, field: FieldDefinition, value: object) -> list[str] | None:
    chosen = _chosen(field, value, WINDOWS)
    return chosen and [window for window in WINDOWS if window in chosen]


def _choice(definition: CategoryDefinition, field: FieldDefinition, value: object) -> str | None:
    if value == "":
        return None
    if not isinstance(value, str) or value not in definition.options(field):
        raise AnswerFault(f"Choose one of the answers shown for “{field.label}”.")
    return value


def _yes_no(_: CategoryDefinition, field: FieldDefinition, value: object) -> bool | None:
    if value == "":
        return None
    if not isinstance(value, bool):
        raise AnswerFault(f"Answer “{field.label}” with yes or no.")
    return value


def _number(_: CategoryDefinition, field: FieldDefinition, value: object) -> int | None:
    if value == "":
        return None
    if not is_whole(value):
        raise AnswerFault(f"Enter a whole number for “{field.label}”.")
    if not field.minimum <= value <= field.maximum:
        raise AnswerFault(
            f"Enter a number from {number(field.minimum)} to {number(field.maximum)}"
            f" for “{field.label}”."
        )
    return value


def _cents(value: object, thing: str, part: str = "") -> int | None:
    if value is None or value == "":
        return None
    if not is_whole(value):
        raise AnswerFault(f"Enter {thing} as a number, such as 1,500.", part)
    if value < 0:
        raise AnswerFault(f"Enter {thing} of {money(usd(0))} or more.", part)
    if value > MAX_CENTS:
        raise AnswerFault(f"Enter {thing} of at most {money(usd(MAX_CENTS))}.", part)
    return value


def _money(_: CategoryDefinition, field: FieldDefinition, value: object) -> int | None:
    return _cents(value, f"an amount for “{field.label}”")


def _amounts(
    definition: CategoryDefinition, value: object, thing: str
) -> tuple[int | None, int | None, str | None]:
    parts = _object(value, thing, ("min_cents", "max_cents", "unit"))
    low = _cents(parts.get("min_cents"), thing, ".min")
    high = _cents(parts.get("max_cents"), thing, ".max")
    if low is not None and high is not None and low > high:
        raise AnswerFault(f"Enter {thing} whose lowest amount is not above the highest.", ".min")
    unit = parts.get("unit")
    if unit is None or unit == "":
        return low, high, None
    if not isinstance(unit, str) or unit not in definition.vocabularies["price_units"]:
        raise AnswerFault(
            f"Choose what {thing} is for: a session, an hour, a year and so on.", ".unit"
        )
    return low, high, unit


def _budget(
    definition: CategoryDefinition, _: FieldDefinition, value: object
) -> dict[str, Any] | None:
    low, high, unit = _amounts(definition, value, "a budget")
    if low is None and high is None:
        return None
    if unit is None:
        raise AnswerFault(
            "Choose what a budget is for: a session, an hour, a year and so on.", ".unit"
        )
    return {"min_cents": low, "max_cents": high, "unit": unit}


def _price(
    definition: CategoryDefinition, _: FieldDefinition, value: object
) -> dict[str, Any] | None:
    low, high, unit = _amounts(definition, value, "a price")
    if low is None and high is None:
        return None
    if low is None or high is None:
        missing = ".min" if low is None else ".max"
        raise AnswerFault(
            "Enter the lowest and the highest price; the same twice for one price.", missing
        )
    if unit is None:
        raise AnswerFault(
            "Choose what a price is for: a session, an hour, a year and so on.", ".unit"
        )
    return {"min_cents": low, "max_cents": high, "unit": unit}


def _object(value: object, thing: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise AnswerFault(f"Give {thing} with the parts {', '.join(keys)}.")
    if any(key not in keys for key in value):
        raise AnswerFault(f"Give {thing} with no other parts than {', '.join(keys)}.")
    return value


def _place(_: CategoryDefinition, field: FieldDefinition, value: object) -> dict[str, str] | None:
    parts = _object(value, f"“{field.label}”", tuple(PLACE_PARTS))
    clean: dict[str, str] = {}
    for name, limit in PLACE_PARTS.items():
        given = parts.get(name)
        try:
            text = None if given is None else clean_text(given, name.replace("_", " "), limit)
        except AnswerFault as fault:
            raise AnswerFault(fault.message, f".{name}") from fault
        if text:
            clean[name] = text
    if not clean:
        return None
    country = clean["country"] = clean.get("country", "").upper()
    if country not in country_names():
        raise AnswerFault("Choose a country.", ".country")
    if country == "US":
        _us_region(clean)
    return clean


def _us_region(place: dict[str, str]) -> None:
    given = place.get("region")
    if given is None:
        if "city" in place:
            raise AnswerFault("Choose the state that the city is in.", ".region")
        return
    code = places.us_state_code(given)
    if code is None:
        raise AnswerFault(
            "Choose a state of the United States, such as California or CA.", ".region"
        )
    place["region"] = code


def _style(
    definition: CategoryDefinition, field: FieldDefinition, value: object
) -> dict[str, int] | None:
    names = tuple(scale.name for scale in definition.style_scales)
    parts = _object(value, f"“{field.label}”", names)
    clean: dict[str, int] = {}
    for name in names:
        point = parts.get(name)
        if point is None or point == "":
            continue
        if not is_whole(point) or not -STYLE_LIMIT <= point <= STYLE_LIMIT:
            raise AnswerFault(f"Choose a point on the scale for “{field.label}”.", f".{name}")
        clean[name] = point
    return clean or None


def _iso_date(value: object, label: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _ISO_DATE.fullmatch(value):
        raise AnswerFault(f"Enter “{label}” as a date such as 2027-03-31.")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise AnswerFault(f"Enter “{label}” as a date that exists, such as 2027-03-31.") from None
    return value


def _date(_: CategoryDefinition, field: FieldDefinition, value: object) -> str | None:
    return _iso_date(value, field.label)


def _url(_: CategoryDefinition, field: FieldDefinition, value: object) -> str | None:
    text = clean_text(value, field.label, MAX_URL)
    if text is None:
        return None
    advice = f"Enter “{field.label}” as a web address such as https://example.com."
    try:
        url = urlsplit(text)
        host, _port, signed_in = url.hostname or "", url.port, url.username is not None
        host = host.encode("idna").decode("ascii")
    except ValueError:
        raise AnswerFault(advice) from None
    plain = text.isprintable() and " " not in text
    if url.scheme not in {"https", "http"} or signed_in or not plain or not _HOST.fullmatch(host):
        raise AnswerFault(advice)
    return text


def _credentials(
    definition: CategoryDefinition, field: FieldDefinition, value: object
) -> list[dict[str, str]] | None:
    if not isinstance(value, list):
        raise AnswerFault(f"Give “{field.label}” as a list.")
    if len(value) > field.max_items:
        raise AnswerFault(f"List at most {field.max_items} under “{field.label}”.")
    rows = []
    for index, given in enumerate(value):
        try:
            row = _credential(definition.options(field), given)
        except AnswerFault as fault:
            raise AnswerFault(fault.message, f".{index}{fault.part}") from fault
        if row:
            rows.append(row)
    return rows or None


def _credential(options: Mapping[str, str], given: object) -> dict[str, str] | None:
    parts = _object(given, "a credential", CREDENTIAL_PARTS)
    row: dict[str, str] = {}
    for part in CREDENTIAL_PARTS:
        value = parts.get(part)
        try:
            if part in {"issued", "expires"}:
                text = _iso_date(value, part)
            else:
                text = None if value is None else clean_text(value, part, MAX_CREDENTIAL_TEXT)
        except AnswerFault as fault:
            raise AnswerFault(fault.message, f".{part}") from fault
        if text:
            row[part] = text
    if row and row.get("type") not in options:
        raise AnswerFault("Choose the kind of credential from the list.", ".type")
    if row.get("expires", "9") < row.get("issued", "0"):
        raise AnswerFault("Enter an expiry date that is not before the date of issue.", ".expires")
    return row or None


_CHECKS: dict[Kind, Callable[[CategoryDefinition, FieldDefinition, object], Any]] = {
    Kind.TEXT: _text,
    Kind.LONG_TEXT: _long_text,
    Kind.TAGS: _tags,
    Kind.CHOICE: _choice,
    Kind.YES_NO: _yes_no,
    Kind.NUMBER: _number,
    Kind.MONEY: _money,
    Kind.BUDGET: _budget,
    Kind.PRICE: _price,
    Kind.PLACE: _place,
    Kind.WINDOWS: _windows,
    Kind.STYLE: _style,
    Kind.DATE: _date,
    Kind.URL: _url,
    Kind.CREDENTIALS: _credentials,
}
