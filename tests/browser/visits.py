"""A running site, and one visitor's browser on it."""

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from tests.browser.inspection import inspect

PENDING = 3  # a demo provider who waits for approval
PASSWORD = "a long enough pass phrase"


class Site(str):
    """The address of a running server, with the environment of its commands."""

    __slots__ = ("environment",)
    environment: dict[str, str]


class Visit:
    """One visitor's browser: opens pages of the site and notes what must not happen."""

    def __init__(self, context: BrowserContext, base_url: str) -> None:
        self.context = context
        self.base_url = base_url
        self.page: Page = context.new_page()
        self.console_errors: list[str] = []
        self.outside_requests: list[str] = []
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("request", lambda request: self._note_request(request.url))

    def _note_console(self, message: ConsoleMessage) -> None:
        # Chromium notes the status of an error page; that page is what we came for.
        status = message.text.startswith("Failed to load resource") and (
            message.location["url"] == self.page.url
        )
        if message.type in {"error", "warning"} and not status:
            self.console_errors.append(message.text)

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.base_url, "data:")):
            self.outside_requests.append(url)

    def open(self, path: str) -> None:
        self.page.goto(self.base_url + path)

    def inspect(self) -> None:
        """Check all that must hold of the page that is open, whatever led to it."""
        inspect(self.page)
        self.assert_clean()

    def press(self, name: str) -> None:
        """Press the button and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()

    def assert_clean(self) -> None:
        assert self.console_errors == []
        assert self.outside_requests == []


def sign_in(visit: Visit, operator_email: str) -> None:
    visit.open("/sign-in")
    visit.page.get_by_label("E-mail").first.fill(operator_email)
    visit.page.get_by_label("Password").first.fill(PASSWORD)
    visit.press("Sign in")
    assert "/sign-in" not in visit.page.url
