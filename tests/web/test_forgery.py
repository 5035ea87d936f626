"""Unsafe requests from other sites' pages are refused, whichever header gives them away."""

import pytest
from starlette.testclient import TestClient

OWN = "http://127.0.0.1:8401"
FOREIGN = ["https://evil.example", "http://127.0.0.1:9999", "http://localhost:8401", "null"]


@pytest.mark.parametrize(
    ("origin", "site", "allowed"),
    [
        (None, None, True),  # a program: no browser of our time leaves out both
        (OWN, "same-origin", True),
        (OWN, None, True),
        (None, "same-origin", True),
        (None, "none", True),  # typed by the user
        (None, "same-site", False),
        (None, "cross-site", False),
        (OWN, "cross-site", False),
        (OWN, "same-site", False),
        *((origin, site, False) for origin in FOREIGN for site in (None, "same-origin", "none")),
        *((origin, site, False) for origin in FOREIGN for site in ("same-site", "cross-site")),
        ("", None, False),
        (OWN + ".evil.example", "same-origin", False),
    ],
)
def test_posts_by_origin_and_site(
    client: TestClient, origin: str | None, site: str | None, allowed: bool
) -> None:
    headers = {}
    if origin is not None:
        headers["Origin"] = origin
    if site is not None:
        headers["Sec-Fetch-Site"] = site
    status = client.post("/sign-out", headers=headers, follow_redirects=False).status_code
    assert status == (303 if allowed else 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_unsafe_method_is_covered(client: TestClient, method: str) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = client.request(method, "/api/v1/me/api-keys/1", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_links_from_other_sites_open_pages(client: TestClient, method: str) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.request(method, "/sign-in", headers=headers).status_code in {200, 405}
