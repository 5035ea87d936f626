"""What must hold on every page: accessible in both themes, and whole at any width and text size."""

import json

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 320, "height": 640}
_AXE = Axe()


def inspect(page: Page) -> None:
    """Inspect the page as it stands, without loading it again."""
    faults = [*_accessibility_faults(page), *_overflows(page)]
    assert faults == [], f"{page.url}\n{json.dumps(faults, indent=1)}"


def _accessibility_faults(page: Page) -> list[str]:
    faults = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for rule in _AXE.run(page, options={"resultTypes": ["violations"]}).response["violations"]:
            faults += [f"{theme} {rule['id']}: {node['html'][:200]}" for node in rule["nodes"]]
    page.emulate_media(color_scheme="light")
    return faults


def _overflows(page: Page) -> list[str]:
    page.set_viewport_size(NARROW)
    found = {"320 px": _overflow(page)}
    page.set_viewport_size(WIDE)
    page.evaluate("document.documentElement.style.fontSize = '212.5%'")
    found["twice the text"] = _overflow(page)
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.evaluate("document.documentElement.dir = 'rtl'")
    found["right to left"] = _overflow(page)
    page.evaluate("document.documentElement.dir = 'ltr'")
    return [f"{what}: {pixels} px too wide" for what, pixels in found.items() if pixels]


def _overflow(page: Page) -> int:
    return int(
        page.evaluate(
            "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
        )
    )
