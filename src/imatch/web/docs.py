"""The page /docs: the API description, rendered by our own templates from the OpenAPI document."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from imatch.web.rendering import render

router = APIRouter(include_in_schema=False)

Document = Mapping[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "minLength": "shortest length",
    "maxLength": "longest length",
    "minItems": "fewest items",
    "maxItems": "most items",
    "pattern": "pattern",
    "default": "default",
}


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type in words; `schemas` are the names of the schemas that it mentions."""

    words: str
    schemas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: TypeName
    required: bool
    place: str
    description: str
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    description: str
    kind: TypeName | None


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    fields: tuple[Field, ...]
    body: TypeName | None
    body_fields: tuple[Field, ...]
    answers: tuple[Answer, ...]


@router.get("/docs")
def api_description(request: Request) -> HTMLResponse:
    document = request.app.openapi()
    context = {
        "info": document["info"],
        "groups": grouped_operations(document),
        "schemas": schemas(document),
    }
    return render(request, "docs/api.html", context)


def grouped_operations(document: Document) -> dict[str, list[Operation]]:
    """Operations under the name of their first tag, in the order in which they were added."""
    groups: dict[str, list[Operation]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                source = methods[method]
                tag = (source.get("tags") or ["Other"])[0]
                groups[str(tag)].append(_operation(document, method, path, source))
    return dict(groups)


def schemas(document: Document) -> dict[str, tuple[Field, ...]]:
    """The fields of every schema that has some."""
    named = document.get("components", {}).get("schemas", {})
    fields = {name: _properties(schema) for name, schema in sorted(named.items())}
    return {name: found for name, found in fields.items() if found}


def _operation(document: Document, method: str, path: str, source: Document) -> Operation:
    content = source.get("requestBody", {}).get("content", {})
    first_line, _, more = str(source.get("description", "")).partition("\n")
    body = next((part["schema"] for part in content.values()), None)
    return Operation(
        id=str(source["operationId"]),
        method=method.upper(),
        path=path,
        summary=first_line or str(source.get("summary", "")),
        description=more.strip(),
        fields=tuple(_parameter(parameter) for parameter in source.get("parameters", ())),
        body=None if body is None else type_name(body),
        body_fields=() if body is None else _properties(_resolved(document, body)),
        answers=tuple(
            _answer(status, answer) for status, answer in source.get("responses", {}).items()
        ),
    )


def _answer(status: str, source: Document) -> Answer:
    schema = next((part.get("schema") for part in source.get("content", {}).values()), None)
    kind = type_name(schema) if schema else None
    return Answer(status, str(source.get("description", "")), kind)


def _parameter(source: Document) -> Field:
    schema = source.get("schema", {})
    return Field(
        name=str(source["name"]),
        kind=type_name(schema),
        required=bool(source.get("required")),
        place=str(source["in"]),
        description=str(source.get("description") or schema.get("description", "")),
        limits=_limits(schema),
    )


def _properties(schema: Document) -> tuple[Field, ...]:
    required = schema.get("required", ())
    return tuple(
        Field(
            name=name,
            kind=type_name(inner),
            required=name in required,
            place="body",
            description=str(inner.get("description", "")),
            limits=_limits(inner),
        )
        for name, inner in schema.get("properties", {}).items()
    )


def _resolved(document: Document, schema: Document) -> Document:
    if "$ref" not in schema:
        return schema
    found: Document = document["components"]["schemas"][_referred(schema)]
    return found


def _referred(schema: Document) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def type_name(schema: Document) -> TypeName:
    """A JSON schema in a few words: `list of Match`, `text (date)`, `"basic" or "premium"`."""
    if "$ref" in schema:
        return TypeName(_referred(schema), (_referred(schema),))
    for alternatives in ("anyOf", "oneOf", "allOf"):
        if alternatives in schema:
            return _joined([type_name(option) for option in schema[alternatives]])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return TypeName(" or ".join(f"“{value}”" for value in values))
    if schema.get("type") == "array":
        inner = type_name(schema.get("items", {}))
        return TypeName(f"list of {inner.words}", inner.schemas)
    return TypeName(_plain(schema))


def _joined(parts: Sequence[TypeName]) -> TypeName:
    words = dict.fromkeys(part.words for part in parts)
    named = dict.fromkeys(name for part in parts for name in part.schemas)
    return TypeName(" or ".join(words), tuple(named))


def _plain(schema: Document) -> str:
    if schema.get("properties") and "title" in schema:
        return str(schema["title"])
    words = {"string": "text", "object": "object", "null": "null", "boolean": "true or false"}
    kind = str(schema.get("type", "anything"))
    form = schema.get("format")
    return words.get(kind, kind) + (f" ({form})" if form else "")


def _limits(schema: Document) -> tuple[str, ...]:
    options = [schema, *schema.get("anyOf", ())]
    return tuple(
        f"{words} {option[key]}"
        for option in options
        for key, words in _LIMITS.items()
        if option.get(key) is not None
    )
