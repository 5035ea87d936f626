"""From the first page to three people side by side: by mouse, by keyboard, without JavaScript, on
a phone in the dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.needs import begin_a_need
from tests.browser.visits import Site, Visit

NEED = "I have RSUs and options and want to retire early without a tax surprise."
MAX_PAGES = 8
MAX_TABS = 150


# What people point at: a radio or checkbox is drawn by the label around it.
_POINTED_AT = "xpath=ancestor-or-self::*[self::label or self::button or self::a][1]"


def _by_mouse(_page: Page, target: Locator) -> None:
    target.locator(_POINTED_AT).click()


def _by_touch(_page: Page, target: Locator) -> None:
    target.locator(_POINTED_AT).tap()


_FOCUSED = "element => element === document.activeElement"
# Tab stops once in a group of radio buttons; arrows lead to the others.
_IN_ITS_GROUP = """element => element.type === 'radio' && document.activeElement.type === 'radio'
  && element.name === document.activeElement.name"""


def _by_keyboard(page: Page, target: Locator) -> None:
    """Tab until the target has the focus, seeing the focus at every stop, then press it."""
    element = target.element_handle()
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        assert _focus_is_visible(page), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate(_IN_ITS_GROUP, element):
            while not page.evaluate(_FOCUSED, element):
                page.keyboard.press("ArrowDown")
        if page.evaluate(_FOCUSED, element):
            page.keyboard.press("Space" if _is_control(page) else "Enter")
            return
    pytest.fail(f"the keyboard does not reach {target}")


def _is_control(page: Page) -> bool:
    return bool(page.evaluate("['checkbox', 'radio'].includes(document.activeElement.type)"))


def _focus_is_visible(page: Page) -> bool:
    """An outline on the focused element, or on the card or label around it."""
    return bool(
        page.evaluate(
            """() => {
              const outlined = (e) => e && getComputedStyle(e).outlineStyle !== 'none'
                && parseFloat(getComputedStyle(e).outlineWidth) >= 2;
              const focused = document.activeElement;
              return outlined(focused) || outlined(focused.closest('label'));
            }"""
        )
    )


def _walk(visit: Visit, press: Callable[[Page, Locator], None]) -> None:
    page = visit.page
    visit.open("/")
    choice = page.get_by_role("radio", name="Financial advisor")
    if not choice.is_checked():
        press(page, choice)
    press(page, page.get_by_role("button", name="Start"))
    page.wait_for_url("**/find/financial_advisors/1")
    page.get_by_label("In your own words").fill(NEED)
    press(page, page.get_by_role("checkbox", name="Retirement", exact=True))
    for number in range(1, MAX_PAGES):
        next_page = _other_than(page.url)
        press(page, page.get_by_role("button", name="Continue"))
        page.wait_for_url(next_page)
        if page.url.endswith("/check"):
            assert number <= 6
            break
    press(page, page.get_by_role("button", name="See who fits"))
    page.wait_for_url("**/matches")
    _look_at_three_people(page)
    press(page, page.locator("a[href$='/why']").first)
    page.wait_for_url("**/matches/*/why")
    _check_the_arithmetic(page)
    page.go_back()
    boxes = page.locator("input[name=id]")
    for number in range(3):
        if not boxes.nth(number).is_checked():
            press(page, boxes.nth(number))
    press(page, page.get_by_role("button", name="Compare"))
    page.wait_for_url("**/compare?*")
    assert page.get_by_role("heading", level=1).is_visible()
    visit.assert_clean()


def _other_than(before: str) -> Callable[[str], bool]:
    return lambda url: url != before


def _look_at_three_people(page: Page) -> None:
    cards = page.locator("article")
    assert cards.count() == 3
    for number in range(3):
        card = cards.nth(number)
        assert card.get_by_text("Worth knowing").is_visible()
        assert card.get_by_role("img", name="Fit").is_visible()
        assert card.get_by_role("listitem").count() >= 1
        assert "$" in card.inner_text()


def _check_the_arithmetic(page: Page) -> None:
    """The page's own rows add up to the fit that it shows."""
    assert page.get_by_text("Computed again just now").is_visible()
    rows = page.locator("main table tbody tr")
    # On a phone each cell carries its column's name above the number.
    cells = [row.locator("td").all_inner_texts() for row in rows.all()]
    scores, weights, points = (
        [float(row[column].split()[-1]) for row in cells] for column in (2, 3, 4)
    )
    assert points == pytest.approx([w * s for w, s in zip(weights, scores, strict=True)], abs=0.006)
    shown = page.get_by_role("img", name="Fit").first.get_attribute("aria-label") or ""
    fit = float(shown.removeprefix("Fit ").split(" ")[0])
    assert fit == pytest.approx(100 * sum(points) / sum(weights), abs=0.2)


def test_by_mouse_at_a_desk(chromium: Browser, site: Site) -> None:
    with chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
        _walk(Visit(context, site), _by_mouse)


def test_by_keyboard_only(chromium: Browser, site: Site) -> None:
    with chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
        _walk(Visit(context, site), _by_keyboard)


def test_without_javascript(chromium: Browser, site: Site) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        _walk(Visit(context, site), _by_mouse)


def test_on_a_phone_in_the_dark(chromium: Browser, site: Site) -> None:
    with chromium.new_context(
        viewport={"width": 375, "height": 812}, color_scheme="dark", has_touch=True
    ) as context:
        _walk(Visit(context, site), _by_touch)


def test_a_need_goes_on_in_another_browser(chromium: Browser, site: Site) -> None:
    with chromium.new_context() as first, chromium.new_context() as second:
        here = Visit(first, site)
        begin_a_need(here, "financial_advisors", NEED)
        here.page.get_by_role("link", name="Save and finish later").click()
        here.page.get_by_role("button", name="Show me a code").click()
        code = here.page.locator("code").first.inner_text()

        there = Visit(second, site)
        there.open("/resume")
        there.page.get_by_label("Code").fill(code)
        there.press("Open my answers")
        there.open("/find/financial_advisors/1")
        assert there.page.get_by_label("In your own words").input_value() == NEED
        there.assert_clean()
