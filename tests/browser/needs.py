"""What several walks share: a need, filled in and finished."""

from tests.browser.visits import Visit


def begin_a_need(visit: Visit, category: str, words: str) -> None:
    """Answer the first question, in one's own words."""
    visit.open(f"/find/{category}/1")
    visit.page.get_by_label("In your own words").fill(words)
    visit.press("Continue")


def finish_a_need(visit: Visit, category: str, words: str) -> None:
    begin_a_need(visit, category, words)
    visit.open(f"/find/{category}/check")
    visit.press("See who fits")
