"""The rules of accounts, and the documentation of their limits."""

from datetime import timedelta

import pytest

from imatch.accounts import rules
from imatch.throttling.rules import TryLimit
from tests.support.repository import ROOT

DOCUMENT = ROOT / "docs" / "explanation" / "security.md"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19) Version/19 Safari/605", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15) Firefox/140.0", "Firefox on Mac"),
        ("curl/8", "A browser"),
        ("", "A browser"),
    ],
)
def test_user_agents_have_readable_names(agent: str, name: str) -> None:
    assert rules.browser_name(agent) == name


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Ada@Example.ORG ", "ada@example.org"),
        ("ada+news@example.org", "ada+news@example.org"),
        ("jürgen@exämple.org", "jürgen@exämple.org"),
        ("ada", None),
        ("ada@localhost", None),
        ("ada@example.org\nBcc: eve@example.org", None),
        ("ada@example.org, eve@example.org", None),
        ("a@" + "b." * 130 + "example.org", None),
        ("\u202eada@example.org", None),
    ],
)
def test_addresses_are_normalized(typed: str, address: str | None) -> None:
    assert rules.read_email(typed) == address


def test_common_passwords_have_the_minimum_length() -> None:
    for password in rules.COMMON_PASSWORDS:
        assert len(password) >= rules.PASSWORD_MIN_CHARACTERS
        assert password == password.casefold()


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("wrong passwords for one address", rules.PASSWORDS_PER_EMAIL),
        ("wrong passwords from one network", rules.PASSWORDS_PER_NETWORK),
        ("wrong codes for one user", rules.CODES_PER_USER),
        ("letters asked for to one address", rules.MAILS_PER_EMAIL),
        ("letters asked for from one network", rules.MAILS_PER_NETWORK),
    ],
)
def test_every_limit_is_documented(what: str, limit: TryLimit) -> None:
    hour = limit.window == timedelta(hours=1)
    window = "an hour" if hour else f"{limit.window // timedelta(minutes=1)} minutes"
    assert f"| {what} | {limit.tries} in {window} |" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (" Ada  Example ", "Ada Example"),
        ("Ada \u202eelpmaxE", "Ada elpmaxE"),
        ("\u200b", None),
        ("\u202e\u202e", None),
        ("a\x07b", None),
        ("x" * 121, None),
    ],
)
def test_a_name_is_one_visible_line(typed: str, line: str | None) -> None:
    assert rules.read_line(typed, rules.NAME_MAX_CHARACTERS) == line
