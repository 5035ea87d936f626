"""Save a need and open it in another browser, by a written code or an e-mailed link."""

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
from imatch.needs.service import held
from imatch.throttling.rules import TryLimit, network_of
from imatch.throttling.service import admit, forgive
from imatch.web.formats import plural

RESUMES_PER_NETWORK = TryLimit("resume/network", 10, timedelta(minutes=15))
_CODE_GROUP = 4
_LONGEST_CODE = 40


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
    """A code that opens this need in another browser until it expires; an older one stops."""
    code = new_written_code()
    with held(db, need):
        need.resume_code_hash = token_hash(code)
        need.resume_expires_at = now() + timedelta(days=get_settings().resume_days)
    return code


def is_current(need: Need, code: str) -> bool:
    """Whether this is the code that opens the need now."""
    expires_at = need.resume_expires_at
    return (
        need.resume_code_hash == token_hash(_as_written(code))
        and expires_at is not None
        and expires_at > now()
    )


def mail_link(db: Session, need: Need, code: str, recipient: str, *, address: str) -> str:
    """Send the link that opens this need, and return the recipient as it was understood.

    The mail says nothing of what is looked for. Raises BadEmail, StaleResumeCode, TooManyTries.
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
            # In the query, because paths are logged and this link is a key.
            f"{settings.base_url}/resume?code={_as_written(code)}\n\n"
            f"It works for {plural(settings.resume_days, 'day')}."
            " Whoever has it can read your answers.\n"
            "If you did not ask for this, ignore this message.\n"
        ),
    )
    return email


def resume(db: Session, code: str, *, address: str, user: User | None = None) -> tuple[Need, str]:
    """Open a saved need in this browser; the one it was open in before needs the code again.

    Raises UnknownResumeCode, StaleResumeCode, SignInToOpen, or TooManyTries.
    """
    tries = admit(db, (RESUMES_PER_NETWORK, network_of(address)))
    with atomic(db):
        wanted = Need.resume_code_hash == token_hash(_as_written(code))
        need = db.scalar(select(Need).where(wanted).with_for_update())
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


def _as_written(code: str) -> str:
    """The code as it was given out, however it was typed: `K7MH 3xqp9wtd` is `k7mh-3xqp-9wtd`."""
    letters = "".join(c for c in code[:_LONGEST_CODE].lower() if c.isascii() and c.isalnum())
    groups = range(0, len(letters), _CODE_GROUP)
    return "-".join(letters[at : at + _CODE_GROUP] for at in groups)
