"""Report a wrong fact on a match to the operators."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.categories.checks import AnswerFault, clean_text
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid
from imatch.core.settings import get_settings
from imatch.mail import service as mail
from imatch.matches.models import Match
from imatch.providers.models import Provider
from imatch.throttling.rules import TryLimit, network_of
from imatch.throttling.service import admit

MAX_REPORT = 1_000  # characters
REPORTS_PER_MATCH = TryLimit("report/match", 3, timedelta(days=1))
REPORTS_PER_NETWORK = TryLimit("report/network", 10, timedelta(hours=1))


class NobodyToTell(Conflict):
    code = "nobody_to_tell"

    def __init__(self) -> None:
        super().__init__("Nobody is appointed to read reports here yet. Nothing was sent.")


def report_wrong_fact(db: Session, match: Match, text: str, *, address: str) -> None:
    """Mail the seeker's words to every operator. Raises Invalid, NobodyToTell or TooManyTries.

    The mail names the provider and quotes the words, and nothing of the need.
    """
    said = _clean(text)
    provider = db.get_one(Provider, match.provider_id)
    operators = db.scalars(
        select(User.email).where(User.account_type == AccountType.OPERATOR, User.active)
    ).all()
    if not operators:
        raise NobodyToTell
    admit(db, (REPORTS_PER_MATCH, str(match.id)), (REPORTS_PER_NETWORK, network_of(address)))
    profile = f"{get_settings().base_url}/p/{provider.slug}"
    lines = [f"About {provider.display_name}, {profile} (match {match.id}):", "", said]
    with atomic(db):
        for operator in operators:
            mail.send(
                db,
                recipient=operator,
                subject=f"A fact may be wrong: {provider.display_name}",
                text="\n".join(lines),
            )


def _clean(text: str) -> str:
    try:
        said = clean_text(text, "What is wrong", MAX_REPORT, lines=True)
    except AnswerFault as fault:
        said, message = None, fault.message
    else:
        message = "Say which fact is wrong, and what would be right."
    if said is None:
        raise Invalid(message, fields=(FieldError("text", message, "text"),))
    return said
