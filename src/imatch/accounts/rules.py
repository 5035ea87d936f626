"""Limits of accounts (lengths, lifetimes, rates) and validation of what people type."""

import unicodedata
from datetime import timedelta

from email_validator import EmailNotValidError, validate_email

from imatch.core.text import is_visible, without_direction_controls
from imatch.throttling.rules import TryLimit

PASSWORD_MIN_CHARACTERS = 10
PASSWORD_MAX_CHARACTERS = 200
NAME_MAX_CHARACTERS = 120
EMAIL_MAX_CHARACTERS = 254
API_KEYS_MAX = 20
SESSIONS_MAX = 50
RECOVERY_CODES = 10
ERASED_DOMAIN = "@erased.invalid"  # of erased accounts; reserved, so it receives no mail
USER_AGENT_MAX_CHARACTERS = 200

CONFIRM_LINK_LIFETIME = timedelta(days=3)
SIGN_IN_LINK_LIFETIME = timedelta(minutes=15)
RESET_LINK_LIFETIME = timedelta(hours=1)
FIRST_PASSWORD_LINK_LIFETIME = timedelta(days=3)
SECOND_FACTOR_TIMEOUT = timedelta(minutes=10)
LAST_SEEN_UPDATE_INTERVAL = timedelta(minutes=5)

TOTP_STEP_SECONDS = 30
TOTP_DRIFT_STEPS = 1


PASSWORDS_PER_EMAIL = TryLimit("password/email", 5, timedelta(minutes=15))
PASSWORDS_PER_NETWORK = TryLimit("password/network", 50, timedelta(minutes=15))
CODES_PER_USER = TryLimit("code/user", 5, timedelta(minutes=15))
MAILS_PER_EMAIL = TryLimit("mail/email", 5, timedelta(hours=1))
MAILS_PER_NETWORK = TryLimit("mail/network", 30, timedelta(hours=1))

# The most common passwords among those that are long enough to be accepted.
COMMON_PASSWORDS = frozenset(
    """
    0123456789 01234567890 0987654321 1029384756 1111111111 1122334455 1231231234 123123123123
    1234512345 123456123456 1234567890 12345678901 123456789012 1234567891 1234567899 123456789a
    123456789q 1234567890a 1234567890q 123654789a 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 9876543210
    aa12345678 abc1234567 abcd123456 abcdefghij abcdefghijk administrator adminadmin admin12345
    admin123456 asdasdasd123 asdfasdfasdf asdfghjkl1 asdfghjkl123 asdfghjkl; changeme123 computer123
    dragon1234 football123 football1234 iloveyou12 iloveyou123 iloveyou1234 iloveyou22 letmein123
    letmein1234 liverpool1 loveyou123 manchester michelle123 monkey1234 mypassword mypassword1
    password01 password10 password11 password12 password123 password1234 password12345 password2026
    passwordpassword p@ssw0rd123 passw0rd123 princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedc1
    qazwsxedc123 qwe123qwe123 qweasdzxc1 qweasdzxc123 qwerty1234 qwerty12345 qwerty123456
    qwertyqwerty qwertyuiop qwertyuiop1 qwertyuiop123 qwertyuiop[] secret1234 sunshine123
    superman123 test123456 testtest123 trustno1trustno1 welcome123 welcome1234 zaq12wsxcde3
    zxcvbnm123 zxcvbnm1234
    """.split()  # noqa: SIM905 -- a list of ninety would be one word a line
)


def read_email(typed: str) -> str | None:
    """The address normalized and in lower case, or None if it is not valid."""
    try:
        validated = validate_email(typed.strip(), check_deliverability=False)
    except EmailNotValidError:
        return None
    address = validated.normalized.lower()
    return address if len(address) <= EMAIL_MAX_CHARACTERS else None


def read_line(typed: str, max_characters: int) -> str | None:
    """The text as one line without control characters, or None if empty or too long."""
    line = " ".join(without_direction_controls(typed).split())
    storable = all(unicodedata.category(character) not in {"Cc", "Cs"} for character in line)
    return line if storable and is_visible(line) and len(line) <= max_characters else None


def password_fault(password: str, *, email: str, name: str) -> str | None:
    """Why this password is refused, or None. No character classes are required, only length."""
    if len(password) < PASSWORD_MIN_CHARACTERS:
        return f"Use {PASSWORD_MIN_CHARACTERS} or more characters. Three or four words do well."
    if len(password) > PASSWORD_MAX_CHARACTERS:
        return f"Use at most {PASSWORD_MAX_CHARACTERS} characters."
    lowered = password.casefold().strip()
    if lowered in {email.casefold(), email.partition("@")[0].casefold(), name.casefold()}:
        return "Choose something other than your name or e-mail address."
    if lowered in COMMON_PASSWORDS or len(set(lowered)) <= 2:  # noqa: PLR2004 -- aaaaaaaaaa, ababababab
        return "This password is among the first that anybody would try. Choose another one."
    return None


def browser_name(user_agent: str) -> str:
    """A readable name for a user agent, such as "Firefox on Windows"."""
    # Order matters: Edge and Opera also say Chrome, and Chrome also says Safari.
    browsers = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome"}
    systems = {
        "Android": "Android",
        "iPhone": "iPhone",
        "iPad": "iPad",
        "Windows": "Windows",
        "Mac OS X": "Mac",
        "Linux": "Linux",
    }
    browser = next((browsers[token] for token in browsers if token in user_agent), None)
    if browser is None:
        browser = "Safari" if "Safari" in user_agent else "A browser"
    system = next((systems[token] for token in systems if token in user_agent), None)
    return f"{browser} on {system}" if system else browser
