"""Redeeming POT in a browser: from the amount to the bank's file."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.service import sessions
from imatch.app import create_app
from imatch.core import database
from imatch.core.database import SessionLocal
from imatch.core.settings import get_settings
from imatch.pot import payees, redemptions
from imatch.pot.models import PotRedemption
from tests.browser.conftest import Visit
from tests.make import Make
from tests.pot.redeeming import IBAN, Redeeming, make_due

LONG_NAME = "Maximiliane-Theodora Wolkenstein-Beispielhausen"


@dataclass
class Till:
    """A running site of its own with somebody who may redeem, and who decides."""

    url: str
    db: Session
    redeeming: Redeeming
    person: User
    enter: Callable[[User], Visit]


@pytest.fixture
def till(sqlite_url: str, chromium: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    monkeypatch.setenv("IMATCH_BASE_URL", url)
    monkeypatch.setenv("IMATCH_CASH_REDEMPTION", "true")
    get_settings.cache_clear()
    engine = database.bind(sqlite_url)
    # The socket listens already: what is asked before the server has started waits in its queue.
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    with SessionLocal() as db, chromium.new_context(reduced_motion="reduce") as context:
        redeeming = Redeeming(db, Make(db))
        person = redeeming.redeemer(name=LONG_NAME)

        def enter(user: User) -> Visit:
            since, user.totp_confirmed_at = user.totp_confirmed_at, None
            browser = sessions.Browser(address="127.0.0.1", user_agent="tests", token=None)
            token = sessions.start(db, user, browser, proved=True).token
            user.totp_confirmed_at = since
            with database.atomic(db):
                db.add(user)
            context.clear_cookies()
            context.add_cookies([{"name": "imatch_session", "value": token, "url": url}])
            return Visit(context, url)

        yield Till(url, db, redeeming, person, enter)
    server.should_exit = True
    thread.join(20)
    engine.dispose()
    monkeypatch.undo()
    get_settings.cache_clear()


def test_a_person_redeems_and_takes_back(till: Till) -> None:
    visit = till.enter(till.person)
    visit.open("/wallet/redeem")
    visit.inspect()
    visit.page.get_by_label("How many POT?").fill("10")
    visit.press("See what it brings")
    assert visit.page.get_by_text("There is a problem").is_visible()
    visit.inspect()
    visit.page.get_by_label("How many POT?").fill("125")
    visit.press("See what it brings")
    visit.inspect()
    visit.press("Redeem 125 POT for $100")
    assert visit.page.get_by_text("Your request is filed").is_visible()
    visit.inspect()
    visit.press("Take back the request for 125 POT")
    assert visit.page.get_by_text("The POT are yours again").is_visible()
    visit.inspect()


def test_payout_details_with_mistakes_and_without(till: Till) -> None:
    newcomer = till.redeeming.person(name="Ada Example")
    visit = till.enter(newcomer)
    visit.open("/wallet/redeem")
    visit.inspect()
    visit.open("/wallet/redeem/payee")
    visit.page.get_by_label("IBAN or account number").fill("DE00 1234")
    visit.press("Save payout details")
    assert visit.page.get_by_text("There is a problem").is_visible()
    visit.inspect()
    visit.page.get_by_label("Country of the bank").select_option("DE")
    visit.page.get_by_label("IBAN or account number").fill(IBAN)
    visit.press("Save payout details")
    assert visit.page.get_by_text("Your payout details are saved").is_visible()
    visit.inspect()


def test_operators_decide_and_pay(till: Till) -> None:
    waiting, approved = _requests(till)
    payees.save(till.db, _unverified(till).id, name="Ben Example", country="DE", account=IBAN)
    visit = till.enter(till.redeeming.second_operator)
    for path in (
        "",
        f"/{waiting.id}",
        f"/{approved.id}",
        f"/people/{till.person.id}",
    ):
        visit.open(f"/console/redemptions{path}")
        visit.inspect()
    visit.open(f"/console/redemptions/{waiting.id}")
    visit.press("Give the POT back")
    visit.inspect()
    visit.open("/console/redemptions")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("button", name="Make the bank’s file").click()
    assert f"REDEMPTION-{approved.id}" in download.value.path().read_text("utf-8")
    visit.open(f"/console/redemptions/{approved.id}")
    visit.page.get_by_label("Bank’s reference").fill("B-2026-77")
    visit.press("Mark as paid")
    assert visit.page.get_by_text("B-2026-77").is_visible()
    visit.inspect()


def _requests(till: Till) -> tuple[PotRedemption, PotRedemption]:
    made = [
        redemptions.request(till.db, till.person.id, pot, "bank_transfer", key=str(pot))
        for pot in (100, 125)
    ]
    redemptions.approve(till.db, made[1].id, till.redeeming.operator.id)
    make_due(till.db, made[1])
    return made[0], made[1]


def _unverified(till: Till) -> User:
    person = till.redeeming.person(name="Ben Example")
    payees.place_hold(till.db, till.person.id, till.redeeming.operator.id, "Looked at twice.")
    (hold,) = payees.holds_of(till.db, till.person.id)
    payees.lift_hold(till.db, hold.id, till.redeeming.operator.id)
    return person
