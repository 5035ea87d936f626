"""After IMATCH_SECRET_KEY changed: lost answers are reported, and other pages work."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from imatch.accounts.service import second_factor
from imatch.core.database import atomic
from imatch.core.settings import get_settings
from tests.factories import Make
from tests.support.clients import SignIn


@pytest.fixture
def change_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Continue as if the site had been restarted with another IMATCH_SECRET_KEY."""

    def change() -> None:
        monkeypatch.setenv("IMATCH_SECRET_KEY", "another key than the one before it")
        get_settings.cache_clear()

    yield change
    monkeypatch.undo()
    get_settings.cache_clear()


def test_answers_under_a_former_key_are_gone_and_a_restart_works(
    begun: TestClient, change_key: Callable[[], None]
) -> None:
    change_key()
    page = begun.get("/find/financial_advisors/check")
    assert page.status_code == 410
    assert "the key of this site has changed" in page.text
    assert begun.get("/").status_code == 200
    begun.post("/find/financial_advisors/start")
    assert begun.get("/find/financial_advisors/1").status_code == 200


def test_an_account_with_a_second_factor_stays_signed_in(
    make: Make, sign_in: SignIn, change_key: Callable[[], None], db: Session
) -> None:
    user = make.user()
    with atomic(db):
        second_factor.begin(db, user)
    browser = sign_in(user)
    change_key()
    assert browser.get("/account").status_code == 200
