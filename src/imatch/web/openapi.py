"""The application with a complete description: every operation's errors and who may call it."""

from typing import Any

from fastapi import FastAPI

from imatch.web.problem import Problem, problems

_API = "/api/"
_METHODS_THAT_CHANGE = frozenset({"post", "put", "patch", "delete"})
# The names of the security schemes; the dependencies that read them declare what they are.
API_KEY = "apiKey"
SESSION = "session"

Description = dict[str, Any]


class DescribedApp(FastAPI):
    """A FastAPI application whose description also has common errors and security schemes."""

    def openapi(self) -> Description:
        fresh = self.openapi_schema is None
        document = super().openapi()
        if fresh:
            _complete(document)
        return document


def _complete(document: Description) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    # The framework's own errors: ours are told apart by their code (web.errors).
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    described = Problem.model_json_schema(
        mode="serialization", ref_template="#/components/schemas/{model}"
    )
    schemas |= described.pop("$defs") | {Problem.__name__: described}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete_operation(operation, method, in_api=path.startswith(_API))


def _complete_operation(operation: Description, method: str, *, in_api: bool) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    for status, response in problems(*_errors_around(operation, method, in_api=in_api)).items():
        responses.setdefault(str(status), response)
    operation["responses"] = dict(sorted(responses.items()))
    if in_api:
        operation["security"] = _callers(operation)


def _errors_around(operation: Description, method: str, *, in_api: bool) -> list[int]:
    """Errors of the layers around an endpoint: API keys, forgery, sizes, invalid input."""
    has_body = "requestBody" in operation
    possible = {
        400: has_body,
        401: in_api,
        403: method in _METHODS_THAT_CHANGE,
        413: has_body,
        415: has_body,
        422: has_body or bool(operation.get("parameters")),
    }
    return [status for status, holds in possible.items() if holds]


def _callers(operation: Description) -> list[dict[str, list[str]]]:
    """The security requirement; `{}` allows anonymous callers, who may still sign in."""
    declared: list[dict[str, list[str]]] = operation.get("security", [])
    if any(SESSION in scheme for scheme in declared):
        return declared
    return [{}, *declared, {API_KEY: []}, {SESSION: []}]
