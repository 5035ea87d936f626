"""The policy page in a browser: charts by keys, in both themes; their table without a script."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.pot.policy import service as policy
from imatch.pot.policy.models import PotPolicyVersion
from tests.browser.visits import Visit
from tests.factories import Make

WEEKS = 12
PAGE_BYTES = 180_000
TITLES = ("Supply and its target", "Minted, and what left supply", "Awards and their budget")


@pytest.fixture(scope="module")
def _weeks(make_on_site: Make) -> None:
    """Decisions of twelve weeks, as if the economy had begun that long ago."""
    db = make_on_site.db
    with atomic(db):
        genesis = db.scalars(select(PotPolicyVersion).order_by(PotPolicyVersion.id)).first()
        assert genesis is not None
        genesis.effective_at = now() - timedelta(weeks=WEEKS)
    policy.run_week(db)


@pytest.fixture
def page(operator: Visit, _weeks: None) -> Iterator[Page]:
    operator.page.set_viewport_size({"width": 1280, "height": 800})
    operator.open("/console/policy")
    yield operator.page
    operator.assert_clean()


def test_it_is_accessible_and_whole_at_any_size(page: Page, operator: Visit) -> None:
    page.get_by_text("Show as a table").click()
    operator.inspect()
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 375
    for plot in page.locator("[data-plot]").all():
        width = plot.evaluate(
            "plot => [plot.clientWidth, plot.querySelector('canvas').clientWidth]"
        )
        assert width[0] == width[1]


@pytest.mark.parametrize(("number", "title"), list(enumerate(TITLES)))
def test_arrow_keys_read_each_chart(page: Page, number: int, title: str) -> None:
    chart = page.get_by_role("slider", name=title)
    readout = page.locator("[data-readout]").nth(number)
    heads, *rows = [
        row.locator("th, td").all_text_contents() for row in page.locator("#weeks-table tr").all()
    ]
    block = page.locator("[data-chart]").nth(number)
    columns = [
        page.locator(f"#weeks-table [data-column={name}]").evaluate("head => head.cellIndex")
        for name in (block.get_attribute("data-lines") or "").split()
    ]

    def said_of(row: list[str]) -> str:
        figures = ", ".join(f"{row[column]} {heads[column].lower()}" for column in columns)
        return f"{row[0].removesuffix(', so far')}: {figures}"

    assert len(rows) == WEEKS
    expect(readout).to_have_text(said_of(rows[0]))
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "1")
    expect(readout).to_have_text(said_of(rows[-1]))
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuetext", said_of(rows[-2]))
    page.keyboard.press("End")
    expect(chart).to_have_attribute("aria-valuenow", str(WEEKS))
    expect(readout).to_have_text(said_of(rows[0]))


def test_charts_are_drawn_anew_in_the_other_theme(page: Page) -> None:
    drawn = "[...document.querySelectorAll('[data-plot] canvas')].map(one => one.toDataURL())"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(drawn)
    assert len(light) == len(TITLES)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {drawn}.every(now => !light.includes(now))", arg=light)
    page.emulate_media(color_scheme="light")


@pytest.mark.usefixtures("_weeks")
def test_every_figure_stands_there_without_a_script(chromium: Browser, operator: Visit) -> None:
    state: Any = operator.context.storage_state()
    with chromium.new_context(storage_state=state, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{operator.base_url}/console/policy")
        expect(page.get_by_role("table", name="Weekly decisions")).to_be_visible()
        assert page.locator("#weeks-table tbody tr").count() == WEEKS
        assert page.get_by_role("slider").count() == 0
        expect(page.get_by_text("POT below its target")).to_be_visible()


@pytest.mark.usefixtures("_weeks")
def test_it_is_light(chromium: Browser, operator: Visit) -> None:
    state: Any = operator.context.storage_state()
    with chromium.new_context(storage_state=state) as context:  # with nothing in its cache
        page = context.new_page()
        page.goto(f"{operator.base_url}/console/policy", wait_until="load")
        page.evaluate("document.fonts.ready")
        sizes = page.evaluate(
            """() => [performance.getEntriesByType('navigation')[0],
                      ...performance.getEntriesByType('resource')].map(one => one.transferSize)"""
        )
    assert 0 < sum(sizes) <= PAGE_BYTES
