"""The wallet in a real browser: whole in both themes, and usable with keys and without scripts."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Site, Visit

PASSWORD = "a long enough pass phrase"
EMAIL = "purse@example.org"
KEY = "a-key-of-the-browser"
KILOBYTES = 1_000

_FILL = """
from imatch import POTService, SessionLocal, atomic
from imatch.accounts.models import User
from imatch.accounts.service.administration import create_operator
from imatch.pot.awards import grants
from imatch.pot.awards.models import PotAward, PotDebt
from imatch.pot.shop import service as shop

with SessionLocal() as db:
    person = create_operator(db, email="{email}", name="Purse", password="{password}")
    colleague = create_operator(
        db, email="colleague@example.org", name="Colleague", password="{password}"
    )
    pot = POTService(db)
    for _ in range(60):
        pot.award_pot(person.id, "match_feedback")
    done = shop.buy(db, person.id, "charity_burn", key="1", amount=20)
    shop.deliver(db, done.id)
    shop.cancel(db, shop.buy(db, person.id, "charity_burn", key="2", amount=30).id)
    shop.buy(db, person.id, "event", key="3", amount=100, note="By the door")
    grants.propose(db, colleague.id, 50, "bug_report", "A hole", operator_id=person.id)
    grants.propose(db, person.id, 5, "bug_report", "A hole", operator_id=colleague.id)
    grant = grants.propose(db, person.id, 50, "bug_report", "B hole", operator_id=colleague.id)
    other = create_operator(
        db, email="third@example.org", name="Third", password="{password}"
    )
    grants.approve(db, grant.id, operator_id=other.id)
    with atomic(db):
        db.add(PotDebt(key="d", user_id=person.id, owed=5, reason="Undone"))
        db.add(
            PotAward(
                key="q", user_id=person.id, rule="identity_verified", amount=50,
                award_class="B", status="queued",
            )
        )
"""


@pytest.fixture(scope="module")
def _purse(site: Site) -> None:
    """An operator with a wallet in which everything can be seen."""
    fill = _FILL.format(email=EMAIL, password=PASSWORD)
    subprocess.run(
        [sys.executable, "-c", fill],
        env={**os.environ, **site.environment},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _sign_in(visit: Visit) -> None:
    visit.open("/sign-in")
    visit.page.get_by_label("E-mail").first.fill(EMAIL)
    visit.page.get_by_label("Password").first.fill(PASSWORD)
    visit.press("Sign in")
    assert "/sign-in" not in visit.page.url


@pytest.fixture(scope="module")
def visit(chromium: Browser, site: Site, _purse: None) -> Iterator[Visit]:
    with chromium.new_context(reduced_motion="reduce") as context:
        visit = Visit(context, site)
        _sign_in(visit)
        yield visit


@pytest.mark.parametrize(
    "path",
    [
        "/wallet",
        "/wallet?bought=3",
        "/wallet/transactions",
        "/wallet/transactions?kind=burn",
        "/wallet/transactions?kind=nothing&from=then",
        "/wallet/transactions?cursor=nonsense",
        "/wallet/earn",
        "/wallet/spend",
        f"/wallet/spend/workshop?key={KEY}",
        f"/wallet/spend/workshop?key={KEY}&amount=60",
        f"/wallet/spend/workshop?key={KEY}&amount=6",
        f"/wallet/spend/consulting?key={KEY}",
        "/console",
        "/console/orders",
        "/console/grants",
    ],
)
def test_a_page_about_pot(visit: Visit, path: str) -> None:
    visit.open(path)
    visit.inspect()


@pytest.mark.parametrize("path", ["/wallet", "/wallet/transactions", "/console/orders"])
def test_pages_about_pot_are_light(chromium: Browser, site: Site, visit: Visit, path: str) -> None:
    with chromium.new_context(storage_state=visit.context.storage_state()) as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        loaded: list[float] = []
        session.on("Network.loadingFinished", lambda done: loaded.append(done["encodedDataLength"]))
        page.goto(site + path, wait_until="networkidle")
        assert sum(loaded) <= 180 * KILOBYTES


def test_a_workshop_by_keys_alone_without_scripts(
    chromium: Browser, site: Site, visit: Visit
) -> None:
    """Wallet, spend a workshop, see it held, cancel; only Tab, Enter and letters."""
    with chromium.new_context(
        java_script_enabled=False, storage_state=visit.context.storage_state()
    ) as context:
        page = context.new_page()

        def press(name: str) -> None:
            """Go on with Tab until the control of this name has the focus, then press it."""
            for _ in range(80):
                focused = page.locator(":focus")
                if focused.count() and name in (focused.text_content() or ""):
                    break
                page.keyboard.press("Tab")
            else:
                pytest.fail(f"Tab does not lead to {name}")
            with page.expect_navigation():
                page.keyboard.press("Enter")

        page.goto(site + "/wallet")
        press("Spend POT")
        press("Choose: Workshop")
        page.get_by_label("How many POT?").focus()
        page.keyboard.type("60")
        press("Check the order")
        assert page.get_by_text("Free afterwards").is_visible()
        press("Order for 60 POT")
        assert page.get_by_text("60 POT are held until we deliver").is_visible()
        page.go_back()
        assert page.url.startswith(site + "/wallet?bought=")  # not a second order
        assert page.get_by_role("heading", name="Workshop").count() == 0
        assert page.locator("main li", has_text="Workshop").count() == 1
        with page.expect_navigation():
            page.locator("main li", has_text="Workshop").get_by_role("button").press("Enter")
        assert page.get_by_text("Your order is cancelled").is_visible()
        assert page.locator("main li", has_text="Workshop").count() == 0
