"""One professional from sign-up to goodbye: every page of accounts and of the profile builder."""

import re
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser

from tests.browser.visits import Site, Visit

EMAIL = "pat@example.org"
PASSWORD = "a long enough pass phrase"


@pytest.fixture(scope="module")
def visit(chromium: Browser, site: Site) -> Iterator[Visit]:
    """A professional who has just signed up."""
    with chromium.new_context(reduced_motion="reduce") as context:
        visit = Visit(context, site)
        _sign_up(visit)
        yield visit


@pytest.fixture(scope="module")
def profile(visit: Visit) -> Visit:
    """The same one, with a profile begun."""
    visit.open("/pro/new")
    visit.page.locator("input[value=financial_advisors]").check()
    with visit.page.expect_navigation():
        visit.page.locator("main form .btn-primary").click()
    visit.page.get_by_label("Name shown to people").fill("Pat Example")
    visit.press("Save and continue")
    return visit


def _open_newest_letter(visit: Visit) -> str:
    """Read the newest message in the outbox; the path of the link in it."""
    visit.open("/dev/outbox")
    visit.page.locator("main tbody a").first.click()
    visit.page.wait_for_url("**/dev/outbox/*")
    link = visit.page.locator(f"main a[href^='{visit.base_url}']").first.get_attribute("href")
    return (link or "").removeprefix(visit.base_url)


def _sign_up(visit: Visit) -> None:
    visit.open("/sign-up?type=provider")
    visit.inspect()
    visit.page.get_by_label("Your name").fill("Pat")
    visit.press("Continue")
    visit.inspect()
    visit.page.get_by_label("Your e-mail").fill(EMAIL)
    visit.press("Continue")
    visit.inspect()
    visit.page.get_by_label("Choose a password").fill("pat@example.org")
    visit.press("Open the account")
    assert visit.page.get_by_text("There is a problem").is_visible()
    visit.inspect()
    visit.page.go_back()
    visit.page.go_back()
    assert visit.page.get_by_label("Your e-mail").input_value() == EMAIL
    visit.press("Continue")
    visit.page.get_by_label("Choose a password").fill(PASSWORD)
    visit.press("Open the account")
    visit.inspect()
    path = _open_newest_letter(visit)
    visit.inspect()
    visit.open(path)
    visit.inspect()
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.press("Confirm and sign in")
    assert "/account" in visit.page.url
    visit.inspect()


@pytest.mark.parametrize(
    "path",
    [
        "/account/name",
        "/account/email",
        "/account/password",
        "/account/api-keys",
        "/account/delete",
        "/step-up",
        "/pro",
        "/pro/new",
    ],
)
def test_a_page_of_the_account(visit: Visit, path: str) -> None:
    visit.open(path)
    visit.inspect()


def test_a_new_key_is_shown(visit: Visit) -> None:
    visit.open("/account/api-keys")
    visit.page.get_by_label("Name of the new key").fill("My program")
    visit.press("Make a key")
    visit.inspect()


def test_building_a_profile(profile: Visit) -> None:
    visit = profile
    visit.open("/pro/profile/financial_advisors/1")
    total = int(re.findall(r"of (\d+)", visit.page.get_by_text("Page 1 of").inner_text())[0])
    for number in range(1, total + 1):
        visit.open(f"/pro/profile/financial_advisors/{number}")
        visit.inspect()
    for path in ("/pro/profile/financial_advisors", "/pro"):
        visit.open(path)
        visit.inspect()


def test_a_wrong_page_of_the_profile_says_so(profile: Visit) -> None:
    visit = profile
    visit.open("/pro/profile/financial_advisors/2")
    visit.page.get_by_label("Years of practice").fill("many")
    visit.press("Save and continue")
    assert visit.page.get_by_text("There is a problem").is_visible()
    visit.inspect()


def test_the_second_factor(visit: Visit) -> None:
    visit.open("/account/second-factor")
    visit.inspect()
    visit.press("Set it up")
    visit.inspect()
    key = visit.page.locator("code").first.inner_text().replace(" ", "")
    visit.page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(key).now())
    visit.press("Switch the second factor on")
    visit.inspect()
    recovery_code = visit.page.locator("main code").first.inner_text()
    visit.open("/account/second-factor")
    visit.inspect()
    visit.open("/step-up")
    visit.inspect()
    _sign_in_with(visit, recovery_code)


def _sign_in_with(visit: Visit, recovery_code: str) -> None:
    visit.open("/account")
    visit.press("Sign out")
    visit.open("/sign-in")
    visit.page.get_by_label("E-mail address").first.fill(EMAIL)
    visit.page.get_by_label("Password").first.fill("not this one, sorry")
    visit.press("Sign in")
    visit.inspect()
    visit.page.get_by_label("Password").first.fill(PASSWORD)
    visit.press("Sign in")
    visit.inspect()
    visit.page.get_by_label("Code").first.fill(recovery_code)
    with visit.page.expect_navigation():
        visit.page.locator("main form .btn-primary").first.click()
    assert "/account" in visit.page.url


def test_links_that_sign_in_and_reset(visit: Visit, chromium: Browser, site: Site) -> None:
    with chromium.new_context(reduced_motion="reduce") as context:
        stranger = Visit(context, site)
        for asked_at in ("/sign-in/link", "/recover"):
            stranger.open(asked_at)
            stranger.page.get_by_label("E-mail address").fill(EMAIL)
            with stranger.page.expect_navigation():
                stranger.page.locator("main form .btn-primary").click()
            stranger.open(_open_newest_letter(stranger))
            stranger.inspect()


def test_the_pages_after_the_end(visit: Visit) -> None:
    visit.open("/account/delete")
    visit.page.locator("#sure").check()
    visit.press("Delete the account")
    assert visit.page.get_by_role("heading", level=1).inner_text() == "Your account is deleted"
    visit.inspect()
