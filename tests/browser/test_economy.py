"""The economy page in a browser: live without moving the reader, and whole without a script."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from imatch.pot.service import POTService
from tests.browser.visits import Site, Visit, sign_in
from tests.factories import Make

LIVE_MILLISECONDS = 5_000
PAGE_BYTES = 180_000
SCRIPT_BYTES = 60_000


class Wallet:
    """Somebody with POT, moved as another process would: straight in the server's database."""

    def __init__(self, make: Make) -> None:
        self.db = make.db
        self.user_id = make.buyer(5_000).id

    def spend(self, amount: int) -> None:
        POTService(self.db).spend_pot(self.user_id, "charity_burn", amount=amount)


@pytest.fixture(scope="module")
def wallet(make_on_site: Make) -> Wallet:
    return Wallet(make_on_site)


@pytest.fixture
def page(operator: Visit, wallet: Wallet) -> Iterator[Page]:
    """The page, open and connected."""
    operator.page.set_viewport_size({"width": 1280, "height": 800})
    with operator.page.expect_response("**/console/economy/live*"):
        operator.open("/console/economy?days=30")
    yield operator.page
    operator.assert_clean()


def _shown(page: Page, tile: str) -> int:
    text = page.locator(f"dl [data-tile={tile}] [data-value]").inner_text()
    return int(text.replace(",", ""))


def _expect_spent(page: Page, amount: int) -> None:
    tile = page.locator("dl [data-tile=spent] [data-value]")
    expect(tile).to_have_text(f"{amount:,}", timeout=LIVE_MILLISECONDS)


def test_a_spend_is_seen_within_seconds(page: Page, wallet: Wallet) -> None:
    before = _shown(page, "spent")
    page.evaluate("window.sameDocument = true")
    link = page.get_by_role("link", name="CSV of Latest transactions")
    link.focus()
    scrolled = page.evaluate("window.scrollY")
    assert scrolled > 0
    wallet.spend(11)
    _expect_spent(page, before + 11)
    newest = page.locator("[data-latest] tr").first
    expect(newest).to_contain_text(f"User {wallet.user_id}")
    expect(newest).to_contain_text("−11")
    today = page.locator("[data-points] tbody tr").last
    assert today.locator("td").last.text_content() == f"{before + 11:,}"
    expect(page.locator("[data-live-status]")).to_have_text(re.compile(r"^Updated [\d:]{8} UTC\.$"))
    assert page.evaluate("window.sameDocument")
    expect(link).to_be_focused()
    assert page.evaluate("window.scrollY") == scrolled


def test_pause_stops_and_resume_catches_up(page: Page, wallet: Wallet) -> None:
    before = _shown(page, "spent")
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_have_attribute("aria-pressed", "false")
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "true")
    wallet.spend(12)
    # Three looks of the server later the figures are still the old ones, and say so.
    status = page.locator("[data-live-status]")
    expect(status).to_have_text(re.compile(r"^Paused\. .* ([3-9]|\d\d) s old\.$"), timeout=15_000)
    assert _shown(page, "spent") == before
    pause.click()
    _expect_spent(page, before + 12)
    expect(pause).to_have_attribute("aria-pressed", "false")
    expect(status).to_have_text(re.compile("^Updated "))
    expect(pause).to_be_focused()


def test_it_is_accessible_and_whole_at_any_size(page: Page, operator: Visit) -> None:
    operator.inspect()
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 375


def test_a_period_that_there_is_not(operator: Visit) -> None:
    operator.open("/console/economy?days=x")
    page = operator.page
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.get_by_role("link", name="There are figures of").click()
    assert page.url.endswith("#period")
    operator.inspect()


def test_it_ends_when_its_operator_signs_out_elsewhere(
    chromium: Browser, site: Site, operator_email: str, wallet: Wallet
) -> None:
    with chromium.new_context() as context:
        visit = Visit(context, site)
        sign_in(visit, operator_email)
        with visit.page.expect_response("**/console/economy/live*"):
            visit.open("/console/economy")
        before = _shown(visit.page, "spent")
        headers = {"Origin": str(site), "Sec-Fetch-Site": "same-origin"}
        assert context.request.post(f"{site}/sign-out", headers=headers).ok
        wallet.spend(13)
        status = visit.page.locator("[data-live-status]")
        expect(status).to_have_text(re.compile("^You are no longer signed in"), timeout=10_000)
        assert _shown(visit.page, "spent") == before
        expect(visit.page.locator("[data-live-pause]")).to_be_hidden()
        visit.assert_clean()
        visit.page.get_by_role("link", name="Sign in", exact=True).first.click()
        expect(visit.page).to_have_url(re.compile(r"/sign-in\?next=/console/economy%3Fdays%3D30$"))


def test_arrow_keys_read_the_chart(page: Page) -> None:
    days = [
        time.get_attribute("datetime") or "" for time in page.locator("[data-points] time").all()
    ]
    chart = page.get_by_role("slider", name="Earned and spent per day")
    readout = page.locator("[data-readout]")
    chart.focus()
    page.keyboard.press("End")
    expect(chart).to_have_attribute("aria-valuenow", "30")
    newest = readout.inner_text()
    page.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuenow", "29")
    assert readout.inner_text() != newest
    assert str(int(days[-2][-2:])) in readout.inner_text()
    page.keyboard.press("Home")
    expect(readout).to_contain_text(days[0][:4])
    expect(readout).to_contain_text(": 0 earned, 0 spent")
    assert chart.get_attribute("aria-valuetext") == readout.inner_text()


def test_every_figure_stands_there_without_a_script(
    chromium: Browser, operator: Visit, wallet: Wallet
) -> None:
    state: Any = operator.context.storage_state()
    with chromium.new_context(storage_state=state, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{operator.base_url}/console/economy?days=7")
        assert _shown(page, "circulation") > 0
        for table in ("Earned and spent per day", "Summary", "POT spent by hour and weekday"):
            expect(page.get_by_role("table", name=table, exact=False).first).to_be_visible()
        assert page.locator("[data-points] tbody tr").count() == 7
        expect(page.get_by_role("button", name="Pause")).to_be_hidden()
        expect(page.locator("[data-plot]")).to_be_hidden()
        page.get_by_role("link", name="90 days").click()
        assert page.url.endswith("days=90")


def test_it_is_light(chromium: Browser, operator: Visit) -> None:
    state: Any = operator.context.storage_state()
    with chromium.new_context(storage_state=state) as context:  # with nothing in its cache
        page = context.new_page()
        page.goto(f"{operator.base_url}/console/economy?days=365", wait_until="load")
        page.evaluate("document.fonts.ready")
        sizes = page.evaluate(
            """() => [performance.getEntriesByType('navigation')[0],
                      ...performance.getEntriesByType('resource')]
                     .map(entry => [new URL(entry.name).pathname, entry.transferSize])"""
        )
    assert sum(size for _, size in sizes) <= PAGE_BYTES
    assert 0 < sum(size for file, size in sizes if file.endswith(".js")) <= SCRIPT_BYTES
