"""The operators' pages, and what they refuse to others."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import PENDING, Site, Visit

EMAIL = "operator@example.org"
PASSWORD = "a long enough pass phrase"


@pytest.fixture(scope="module")
def operator(chromium: Browser, site: Site) -> Iterator[Visit]:
    subprocess.run(
        [sys.executable, "-m", "imatch", "users", "create-operator", EMAIL],
        env={**os.environ, **site.environment},
        input=PASSWORD.encode(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with chromium.new_context(reduced_motion="reduce") as context:
        visit = Visit(context, site)
        visit.open("/sign-in")
        visit.page.get_by_label("E-mail").first.fill(EMAIL)
        visit.page.get_by_label("Password").first.fill(PASSWORD)
        visit.press("Sign in")
        assert "/sign-in" not in visit.page.url
        yield visit


@pytest.mark.parametrize(
    "path",
    [
        "/console",
        "/console/providers",
        f"/console/providers/{PENDING}",
        f"/console/providers/{PENDING + 1}",
        "/console/providers/999999",
        "/console/categories",
        "/account",
        "/pro",
    ],
)
def test_a_page_for_operators(operator: Visit, path: str) -> None:
    operator.open(path)
    operator.inspect()


def test_a_refusal_without_its_reason_is_not_taken(operator: Visit) -> None:
    operator.open(f"/console/providers/{PENDING}")
    operator.press("Reject with this reason")
    assert operator.page.get_by_text("There is a problem").is_visible()
    operator.inspect()
