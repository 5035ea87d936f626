"""Convert between a category definition and the columns of its row."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from imatch.categories.models import Category
from imatch.categories.schemas import CategoryDefinition, FieldDefinition, FormPage

Columns = dict[str, Any]
SYNCED = (
    "display_name",
    "icon",
    "description",
    "matching_criteria",
    "intake_questions",
    "profile_fields",
)


def columns_of(definition: CategoryDefinition) -> Columns:
    """The column values that a sync writes for this definition."""
    return {
        "display_name": definition.display_name,
        "icon": definition.icon,
        "description": definition.description,
        "matching_criteria": {
            name: criterion.model_dump(mode="json")
            for name, criterion in definition.criteria.items()
        },
        "intake_questions": _pages(definition.intake, definition.seeker),
        "profile_fields": _pages(definition.profile, definition.provider),
    }


def held_by(row: Category) -> Columns:
    """The row's present values of these columns."""
    return {column: getattr(row, column) for column in SYNCED}


def fingerprint(columns: Columns) -> str:
    """SHA-256 of the columns, the same on both databases whatever order they keep keys in."""
    return hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()


def over(definition: CategoryDefinition, columns: Columns) -> CategoryDefinition:
    """The definition with a row's columns in place of its own.

    Raises ValueError (pydantic's included) for columns that make no definition.
    """
    own = definition.model_dump()
    own |= {column: columns[column] for column in ("display_name", "icon", "description")}
    own["criteria"] = columns["matching_criteria"]
    own["intake"], own["seeker"] = _unfolded(columns["intake_questions"])
    own["profile"], own["provider"] = _unfolded(columns["profile_fields"])
    return CategoryDefinition.model_validate(own)


def _pages(
    pages: tuple[FormPage, ...], fields: Mapping[str, FieldDefinition]
) -> list[dict[str, Any]]:
    """Pages with their fields inside, so that one JSON document says all about a form."""
    return [
        {
            **page.model_dump(mode="json", exclude={"fields"}),
            "fields": [
                {"name": name, **fields[name].model_dump(mode="json", exclude_defaults=True)}
                for name in page.fields
            ],
        }
        for page in pages
    ]


def _unfolded(pages: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if not isinstance(pages, list) or not all(isinstance(page, dict) for page in pages):
        raise ValueError("pages are a list of objects")
    plain, fields = [], {}
    for page in pages:
        inside = page.get("fields")
        if not isinstance(inside, list) or not all(isinstance(field, dict) for field in inside):
            raise ValueError("a page has a list of fields")
        names = [str(field.get("name")) for field in inside]
        plain.append({**page, "fields": names})
        for name, field in zip(names, inside, strict=True):
            fields[name] = {key: value for key, value in field.items() if key != "name"}
    return plain, fields
