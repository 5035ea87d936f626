"""Whatever an address says, the pages about POT answer, and say what is wrong."""

from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.core.paging import encode_cursor
from imatch.pot.policy import service as policy
from tests.factories import Make
from tests.support.clients import SignIn

RUBBISH = [
    "", " ", "x", "-1", "0", "nan", "1e999", "9" * 30, "9" * 5_000, "\x00", "\r\nX: y", "<script>",
    "٣", "2026-13-45", "0001-01-01", "9999-12-30", "9999-12-31", "10000-01-01", "../..", "aWQ6LTE",
    encode_cursor(0), encode_cursor(2**63 - 1), encode_cursor(2**63), encode_cursor(10**4_000),
]  # fmt: skip
PLACES = {
    "/console/economy": ("days", "unknown"),
    "/console/economy/flow.csv": ("days",),
    "/console/economy/live": ("days",),
    "/console/policy": ("unknown",),
    "/console/policy/weeks.csv": ("unknown",),
    "/wallet": ("bought", "saved", "unknown"),
    "/wallet/transactions": ("kind", "from", "to", "cursor", "unknown"),
    "/wallet/transactions.csv": ("kind", "from", "to"),
    "/wallet/redeem": ("saved", "pot"),
    "/wallet/redeem/check": ("pot",),
    "/wallet/spend/workshop": ("key", "amount"),
}
WORKS = "/wallet/transactions?kind=earn&from=2020-01-01&to=2100-01-01&cursor=" + encode_cursor(9**9)


@pytest.fixture
def browser(db: Session, make: Make, sign_in: SignIn) -> TestClient:
    """An operator with a wallet that is not empty."""
    policy.genesis(db)
    policy.run_week(db)
    operator = make.operator()
    make.pot(operator, 5)
    return sign_in(operator)


@pytest.mark.parametrize(("path", "names"), PLACES.items())
def test_rubbish_is_answered(browser: TestClient, path: str, names: tuple[str, ...]) -> None:
    for name in names:
        for value in map(quote, RUBBISH):
            for query in (f"{name}={value}", f"{name}=7&{name}={value}", f"{name}={value}&{name}="):
                answer = browser.get(f"{path}?{query}", follow_redirects=False)
                assert answer.status_code in {200, 303, 409, 422}, query[:80]
                assert "not usable" not in answer.text, query[:80]  # it says nothing to anybody


def test_all_filters_together_still_work(browser: TestClient) -> None:
    answer = browser.get(WORKS)
    assert answer.status_code == 200
    assert "+5" in answer.text


def test_a_page_of_the_list_that_there_is_not_shows_the_newest(browser: TestClient) -> None:
    for cursor in ("x", "aWQ6LTE", encode_cursor(2**63), "9" * 5_000):
        answer = browser.get(f"/wallet/transactions?kind=earn&cursor={cursor}")
        assert answer.status_code == 422
        assert "these are the newest transactions" in answer.text
        assert "+5" in answer.text
        assert 'href="/wallet/transactions?kind=earn"' in answer.text


def test_a_file_says_which_filter_is_wrong(browser: TestClient) -> None:
    answer = browser.get("/wallet/transactions.csv?kind=x&from=then")
    assert answer.status_code == 422
    assert "Choose one of the kinds. Write a date like 2026-11-30." in answer.text


def test_what_a_page_cannot_say_is_not_said(browser: TestClient) -> None:
    """Results of forms that an address claims."""
    for address in ("/wallet?bought=1&saved=paid", "/wallet/redeem?saved=paid"):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert 'role="status"' not in answer.text


def test_long_payout_details_are_refused_beside_their_field(browser: TestClient) -> None:
    typed = {"name": "n" * 400, "country": "DE", "account": "1" * 400}
    answer = browser.post("/wallet/redeem/payee", data=typed)
    assert answer.status_code == 422
    assert 'href="#name"' in answer.text
    assert typed["name"] in answer.text
