"""Every request has its line, which names the whole pattern of its route and no secret."""

import re

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/api/v1/categories/therapists", "/api/v1/categories/{name}"),
        ("/api/v1/needs/7", "/api/v1/needs/{need_id}"),
        ("/confirm/mailed-secret", "/confirm/{token}"),
        ("/find/financial_advisors/1", "/find/{category}/{number:int}"),
        ("/health", "/health"),
        ("/api/v1/no-such-thing/mailed-secret", "unmatched"),
    ],
)
def test_the_line_names_the_route(
    client: TestClient, capsys: pytest.CaptureFixture[str], path: str, logged: str
) -> None:
    client.get(path)
    printed = capsys.readouterr().out
    assert re.findall(r"path=(\S+)", printed) == [logged]
    assert "mailed-secret" not in printed
