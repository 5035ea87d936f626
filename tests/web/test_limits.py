"""Bodies over the limit are refused before anything reads them, and every answer is guarded."""

from collections.abc import Iterator

from starlette.testclient import TestClient

from imatch.app import create_app
from imatch.core import database
from tests.support.settings import PRODUCTION, settings

MEGABYTE = 1_000_000


def test_a_megabyte_of_text_is_too_much(client: TestClient) -> None:
    response = client.post("/theme", data={"theme": "x" * MEGABYTE})
    assert response.status_code == 413
    assert "256 kB" in response.text


def test_a_body_of_unknown_length_is_counted(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b"theme=" + b"x" * 50_000

    response = client.post(
        "/theme",
        content=chunks(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert response.status_code == 413


def test_a_small_streamed_form_still_works(client: TestClient) -> None:
    response = client.post(
        "/theme",
        content=iter([b"theme=", b"imatch-dark"]),
        headers={"content-type": "application/x-www-form-urlencoded"},
        follow_redirects=False,
    )
    assert response.status_code == 303
    assert response.cookies["theme"] == "imatch-dark"


def test_a_length_that_is_no_number_is_refused(client: TestClient) -> None:
    response = client.post("/theme", content=b"x", headers={"content-length": "-1"})
    assert response.status_code == 413


def test_a_path_longer_than_any_leads_nowhere(client: TestClient) -> None:
    # Python refuses to read a number of 5,000 digits, which was an error of ours once.
    response = client.get("/find/financial_advisors/" + "9" * 5_000)
    assert response.status_code == 404
    assert client.get("/find/financial_advisors/" + "9" * 500).status_code == 404


def test_head_is_answered_like_get(client: TestClient) -> None:
    for path in ("/", "/health", "/api/v1/categories"):
        assert client.head(path).status_code == client.get(path).status_code == 200
    assert client.head("/nothing-here").status_code == 404


def test_production_answers_to_its_own_name_only(sqlite_url: str) -> None:
    database.bind(sqlite_url)
    with settings(**PRODUCTION):
        ours = TestClient(create_app(), base_url=PRODUCTION["base_url"])
        assert ours.get("/privacy").status_code == 200
        assert ours.get("/privacy", headers={"host": "evil.example"}).status_code == 400


def test_every_page_is_guarded(client: TestClient) -> None:
    headers = client.get("/privacy").headers
    policy = headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in headers  # plain HTTP on this machine
