"""The wallet in a real browser: whole in both themes, and usable with keys and without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from imatch.core.security import hash_password
from imatch.pot.awards import grants
from imatch.pot.awards.models import PotAward, PotDebt
from imatch.pot.shop import service as shop
from tests.browser.visits import PASSWORD, Site, Visit, sign_in
from tests.factories import Make

KEY = "a-key-of-the-browser"
KILOBYTES = 1_000


@pytest.fixture(scope="module")
def purse_email(make_on_site: Make) -> str:
    """An operator with a wallet in which everything can be seen."""
    make, colleague = make_on_site, make_on_site.operator()
    email = f"purse{make.number()}@example.org"
    person = make.operator(email=email, password_hash=hash_password(PASSWORD))
    for _ in range(60):
        make.pot(person, 5, "match_feedback")
    shop.deliver(make.db, make.purchase(person, "charity_burn", amount=20).id)
    shop.cancel(make.db, make.purchase(person, "charity_burn", amount=30).id)
    make.purchase(person, "event", amount=100, note="By the door")
    make.grant(colleague, by=person, pot=50)
    make.grant(person, by=colleague)
    grant = make.grant(person, by=colleague, pot=50)
    grants.approve(make.db, grant.id, operator_id=make.operator().id)
    make.save(PotDebt(key="d", user_id=person.id, owed=5, reason="Undone"))
    make.save(
        PotAward(
            key="q",
            user_id=person.id,
            rule="identity_verified",
            amount=50,
            award_class="B",
            status="queued",
        )
    )
    return email


@pytest.fixture(scope="module")
def visit(chromium: Browser, site: Site, purse_email: str) -> Iterator[Visit]:
    with chromium.new_context(reduced_motion="reduce") as context:
        visit = Visit(context, site)
        sign_in(visit, purse_email)
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
