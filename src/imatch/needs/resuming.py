"""Save a need and resume it in another browser, by a written code or an e-mailed link."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.errors import BadEmail
from imatch.accounts.models import User
from imatch.accounts.rules import MAILS_PER_EMAIL, MAILS_PER_NETWORK, read_email
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Forbidden, Gone, NotFound
from imatch.core.security import new_token, new_written_code, token_hash
from imatch.core.settings import get_settings
from imatch.mail import service as mail
from imatch.needs.models import Need
from imatch.needs.service import locked_need
from imatch.throttling.rules import TryLimit, network_of
from imatch.throttling.service import admit, forgive
from imatch.web.formats import plural

RESUMES_PER_NETWORK = TryLimit("resume/network", 10, timedelta(minutes=15))
_CODE_GROUP_CHARACTERS = 4
_MAX_CODE_CHARACTERS = 40


class UnknownResumeCode(NotFound):
    code = "unknown_resume_code"

    def __init__(self) -> None:
        super().__init__("We know no answers saved under this code. Check it for typing mistakes.")


class StaleResumeCode(Gone):
    code = "stale_resume_code"

    def __init__(self) -> None:
        super().__init__("This code has expired. Start again, it takes about two minutes.")


class SignInToOpen(Forbidden):
    code = "sign_in_to_open"

    def __init__(self) -> None:
        super().__init__("These answers belong to an account. Sign in to open them.")


def new_code(db: Session, need: Need) -> str:
    """Create a code that resumes this need until it expires. Replaces an earlier code."""
    code = new_written_code()
    with locked_need(db, need):
        need.resume_code_hash = token_hash(code)
        need.resume_expires_at = now() + timedelta(days=get_settings().resume_days)
    return code


def is_current(need: Need, code: str) -> bool:
    """Whether this is the need's present code and not expired."""
    expires_at = need.resume_expires_at
    return (
        need.resume_code_hash == token_hash(_normalized(code))
        and expires_at is not None
        and expires_at > now()
    )


def mail_link(db: Session, need: Need, code: str, recipient: str, *, address: str) -> str:
    """Mail the link that resumes this need. Returns the recipient's normalized address.

    The mail does not reveal what the need is about. Raises BadEmail, StaleResumeCode, TooManyTries.
    """
    email = read_email(recipient)
    if email is None:
        raise BadEmail
    if not is_current(need, code):
        raise StaleResumeCode
    admit(db, (MAILS_PER_EMAIL, email), (MAILS_PER_NETWORK, network_of(address)))
    settings = get_settings()
    mail.send(
        db,
        recipient=email,
        subject="Go on where you stopped",
        text=(
            "You asked I MATCH to keep your answers. This link opens them in any browser:\n\n"
            # In the query, because paths are logged and the code is a secret.
            f"{settings.base_url}/resume?code={_normalized(code)}\n\n"
            f"It works for {plural(settings.resume_days, 'day')}."
            " Whoever has it can read your answers.\n"
            "If you did not ask for this, ignore this message.\n"
        ),
    )
    return email


def resume(db: Session, code: str, *, address: str, user: User | None = None) -> tuple[Need, str]:
    """Open a saved need in this browser. Invalidates the token of the browser it was open in.

    Returns the need and its new token.

    Raises UnknownResumeCode, StaleResumeCode, SignInToOpen, or TooManyTries.
    """
    tries = admit(db, (RESUMES_PER_NETWORK, network_of(address)))
    with atomic(db):
        has_code = Need.resume_code_hash == token_hash(_normalized(code))
        need = db.scalar(select(Need).where(has_code).with_for_update())
        if need is None:
            raise UnknownResumeCode
        if need.resume_expires_at is None or need.resume_expires_at <= now():
            raise StaleResumeCode
        if need.user_id is not None and (user is None or need.user_id != user.id):
            raise SignInToOpen
        token = new_token()
        need.token_hash = token_hash(token)
    forgive(db, tries)
    return need, token


def _normalized(code: str) -> str:
    """The code in the form in which it is issued: `K7MH 3xqp9wtd` becomes `k7mh-3xqp-9wtd`."""
    characters = "".join(
        character
        for character in code[:_MAX_CODE_CHARACTERS].lower()
        if character.isascii() and character.isalnum()
    )
    starts = range(0, len(characters), _CODE_GROUP_CHARACTERS)
    return "-".join(characters[start : start + _CODE_GROUP_CHARACTERS] for start in starts)
