"""Redeeming POT in a browser: from the amount to the bank's file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.database import SessionLocal, atomic
from imatch.pot import holds
from imatch.pot.models import PotRedemption
from imatch.pot.redemption import payees
from tests.browser.own_site import own_site, visit_as
from tests.browser.visits import Visit
from tests.factories import Make
from tests.factories.redemptions import IBAN

LONG_NAME = "Maximiliane-Theodora Wolkenstein-Beispielhausen"


@dataclass
class Till:
    """A running site of its own with somebody who may redeem, and who decides."""

    url: str
    db: Session
    make: Make
    person: User
    enter: Callable[[User], Visit]


@pytest.fixture
def till(sqlite_url: str, chromium: Browser) -> Iterator[Till]:
    with (
        own_site(sqlite_url, cash_redemption=True) as url,
        SessionLocal() as db,
        chromium.new_context(reduced_motion="reduce") as context,
    ):
        make = Make(db)
        person = make.redeemer(name=LONG_NAME)

        def enter(user: User) -> Visit:
            since, user.totp_confirmed_at = user.totp_confirmed_at, None
            visit = visit_as(user, context, url, db)
            user.totp_confirmed_at = since
            with atomic(db):
                db.add(user)
            return visit

        yield Till(url, db, make, person, enter)


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
    newcomer = till.make.trusted_user(name="Ada Example")
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
    visit = till.enter(till.make.payer)
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
    waiting = till.make.redemption(till.person, 100)
    return waiting, till.make.redemption(till.person, 125, approved=True)


def _unverified(till: Till) -> User:
    person = till.make.trusted_user(name="Ben Example")
    hold = till.make.fraud_hold(till.person, by=till.make.approver, reason="Looked at twice.")
    holds.lift_hold(till.db, hold.id, till.make.approver.id)
    return person
