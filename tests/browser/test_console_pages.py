"""The operators' pages, and what they refuse to others."""

import pytest

from tests.browser.visits import PENDING, Visit


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
