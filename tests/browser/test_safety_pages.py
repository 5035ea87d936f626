"""The pages that appear only after certain answers: stop, notice, nobody left, what went wrong."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.needs import begin_a_need
from tests.browser.visits import Site, Visit


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Visit]:
    with chromium.new_context(reduced_motion="reduce") as context:
        yield Visit(context, site)


def test_danger_stops_the_walk_and_names_help(visit: Visit) -> None:
    visit.open("/find/therapists/1")
    visit.page.get_by_role("radio", name="Yes", exact=True).check()
    visit.press("Continue")
    assert visit.page.url.endswith("/find/therapists/stop")
    call = visit.page.get_by_role("link", name="Call or text 988")
    assert call.get_attribute("href") == "tel:988"
    visit.inspect()


def test_a_readiness_answer_brings_a_notice_to_the_check_and_the_list(visit: Visit) -> None:
    begin_a_need(visit, "fitness_trainers", "Stairs leave me breathless; I want to hike again.")
    visit.page.locator("input[name=readiness]").first.check()
    visit.press("Continue")
    visit.open("/find/fitness_trainers/check")
    assert visit.page.get_by_text("Ask your doctor before").is_visible()
    visit.inspect()
    visit.press("See who fits")
    assert visit.page.get_by_text("Ask your doctor before").is_visible()
    visit.inspect()


def test_when_nobody_is_left_a_rule_can_be_given_up(visit: Visit) -> None:
    begin_a_need(visit, "financial_advisors", "Somebody for next to nothing.")
    visit.open("/find/financial_advisors/3")
    visit.page.get_by_label("At most").fill("1")
    visit.page.locator("input[name='importance.budget'][value=must]").check()
    visit.press("Continue")
    visit.open("/find/financial_advisors/3")
    visit.inspect()
    visit.open("/find/financial_advisors/check")
    visit.press("See who fits")
    assert visit.page.get_by_role("heading", level=1).inner_text() == "Nobody fits every rule yet"
    visit.inspect()
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="Give up the rule").first.click()
    assert visit.page.locator("article").count() == 3


def test_a_wrong_answer_is_named_and_gets_the_focus(visit: Visit) -> None:
    visit.open("/find/financial_advisors/3")
    visit.page.get_by_label("At most").fill("a lot")
    visit.press("Continue")
    assert visit.page.evaluate("'errorSummary' in document.activeElement.dataset")
    visit.inspect()


def test_a_saved_need_shows_its_code(visit: Visit) -> None:
    begin_a_need(visit, "financial_advisors", "Retirement.")
    visit.open("/find/save")
    visit.press("Show me a code")
    visit.inspect()
    visit.page.get_by_label("Or send a link by e-mail").fill("seeker@example.org")
    visit.press("Send the link")
    assert visit.page.get_by_text("The link is on its way").is_visible()
    visit.inspect()
