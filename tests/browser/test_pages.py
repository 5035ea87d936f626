"""The pages that need no account: whole, accessible, light, and silent in the console."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.needs import finish_a_need
from tests.browser.visits import Site, Visit

PUBLIC_PAGES = (
    "/",
    "/how-ranking-works",
    "/privacy",
    "/accessibility",
    "/providers",
    "/providers/financial_advisors",
    "/find",
    "/find?category=art_mentors",
    "/find/save",
    "/find/financial_advisors/1",
    "/find/financial_advisors/check",
    "/find/fitness_trainers/2",
    "/find/therapists/1",
    "/find/therapists/2",
    "/resume",
    "/resume?code=abcd-efgh-jkmn",
    "/matches",
    "/compare",
    "/sign-in",
    "/sign-in/link",
    "/sign-in/link/expired",
    "/sign-up",
    "/sign-up?type=provider",
    "/check-mail?for=recovery",
    "/confirm/expired",
    "/recover",
    "/reset/expired",
    "/docs",
    "/dev/outbox",
    "/nothing-here",
)
NEED_PAGES = (
    *(f"/find/financial_advisors/{number}" for number in range(1, 7)),
    "/find/financial_advisors/check",
    "/find/financial_advisors/2?next=check",
    "/matches",
    "WHY",
    "COMPARE",
    "PROFILE",
)
PUBLIC_PAGE_BYTES = 120_000
SCRIPT_BYTES = 20_000
STYLE_BYTES = 25_000
LAYOUT_SHIFT = 0.02


@pytest.fixture(scope="module")
def visitor(chromium: Browser, site: Site) -> Iterator[Visit]:
    """Somebody who looks around."""
    with chromium.new_context(reduced_motion="reduce") as context:
        yield Visit(context, site)


@pytest.fixture(scope="module")
def seeker(chromium: Browser, site: Site) -> Iterator[Visit]:
    """Somebody with a finished need."""
    with chromium.new_context(reduced_motion="reduce") as context:
        visit = Visit(context, site)
        finish_a_need(visit, "financial_advisors", "Retirement and taxes, please.")
        yield visit


def _real_path(visit: Visit, name: str) -> str:
    """Paths with an id in them are read off the matches page."""
    if not name.isupper():
        return name
    visit.open("/matches")
    if name == "COMPARE":
        ids = visit.page.eval_on_selector_all("input[name=id]", "boxes => boxes.map(b => b.value)")
        return "/compare?" + "&".join(f"id={one}" for one in ids)
    selector = {"WHY": "a[href$='/why']", "PROFILE": "a[href^='/p/']"}[name]
    return visit.page.locator(selector).first.get_attribute("href") or ""


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_a_public_page(visitor: Visit, path: str) -> None:
    visitor.open(path)
    visitor.inspect()


@pytest.mark.parametrize("name", NEED_PAGES)
def test_a_page_with_a_need(seeker: Visit, name: str) -> None:
    seeker.open(_real_path(seeker, name))
    seeker.inspect()


def test_demo_people_are_called_fictional_at_the_top(visitor: Visit) -> None:
    visitor.open("/")
    assert "fictional" in visitor.page.get_by_role("complementary").first.inner_text()


@pytest.mark.parametrize(
    "name", ["/", "/providers", "/find/financial_advisors/1", "/matches", "WHY", "PROFILE"]
)
def test_a_page_is_light_and_stands_still(seeker: Visit, name: str) -> None:
    path = _real_path(seeker, name)
    page = seeker.context.new_page()
    session = seeker.context.new_cdp_session(page)
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.add_init_script(
        """window.shift = 0; new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
        }).observe({type: 'layout-shift', buffered: true});"""
    )
    page.goto(seeker.base_url + path, wait_until="load")
    page.evaluate("document.fonts.ready")
    sizes = page.evaluate(
        """() => [performance.getEntriesByType('navigation')[0],
                  ...performance.getEntriesByType('resource')]
                 .map(entry => [new URL(entry.name).pathname, entry.transferSize])"""
    )
    assert len(sizes) > 3
    assert sum(size for _, size in sizes) <= PUBLIC_PAGE_BYTES
    assert sum(size for file, size in sizes if file.endswith(".js")) <= SCRIPT_BYTES
    assert sum(size for file, size in sizes if file.endswith(".css")) <= STYLE_BYTES
    assert page.evaluate("window.shift") <= LAYOUT_SHIFT
    page.close()


@pytest.mark.parametrize("width", [375, 1440])
def test_targets_are_large_enough(seeker: Visit, width: int) -> None:
    """24 px for anything pressed on its own, 44 px for the page's main act."""
    seeker.page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/find/financial_advisors/1", "/matches", "/find/financial_advisors/check"):
        seeker.open(path)
        small = seeker.page.eval_on_selector_all(
            "main a:not(p a), main button, main label:has(input), main summary",
            """found => found.map(e => [e.innerText, e.getBoundingClientRect()])
                 .filter(([, box]) => box.width && (box.height < 24 || box.width < 24))
                 .map(([text]) => text)""",
        )
        assert small == []
        primary = seeker.page.locator("main .btn-primary").first.bounding_box()
        assert primary is not None
        assert primary["height"] >= 44
