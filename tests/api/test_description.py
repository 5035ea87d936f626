"""The OpenAPI document says what programs must know: callers, errors, names."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    described: dict[str, Any] = client.get("/openapi.json").json()
    return described


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        operation
        for path, operations in document["paths"].items()
        if path.startswith("/api/")
        for operation in operations.values()
    ]


def test_it_is_openapi_3_1_with_tags_and_readable_names(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    tags = {tag["name"] for tag in document["tags"]}
    operations = _operations(document)
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for operation in operations:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
        assert set(operation["tags"]) <= tags


def test_callers_are_declared(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {
        "apiKey": "http",
        "session": "apiKey",
        "needToken": "apiKey",
    }
    assert schemes["apiKey"]["scheme"] == "bearer"
    assert schemes["needToken"]["name"] == "X-Need-Token"
    paths = document["paths"]
    assert paths["/api/v1/me"]["get"]["security"] == [{"apiKey": []}, {"session": []}]
    assert {"needToken": []} in paths["/api/v1/matches/{match_id}"]["get"]["security"]
    assert {} in paths["/api/v1/needs"]["post"]["security"]


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for operation in _operations(document):
        errors = {status: told for status, told in operation["responses"].items() if status > "4"}
        assert "401" in errors
        for status, told in errors.items():
            assert told["content"] == PROBLEM, (operation["operationId"], status)
        if "requestBody" in operation:
            assert {"400", "403", "413", "415", "422"} <= errors.keys()
    assert {"Problem", "Fault"} <= document["components"]["schemas"].keys()


def test_a_refused_method_names_all_that_are_allowed(client: TestClient) -> None:
    refused = client.put("/api/v1/me/api-keys")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, POST"
