"""Checks and logging that operators' actions share: permission, a reason, a log event."""

from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly
from imatch.accounts.models import AccountType, User
from imatch.core.errors import FieldError, Invalid
from imatch.core.logs import log
from imatch.core.text import is_visible, without_direction_controls

REASON_MAX_CHARACTERS = 300


def require_operator(db: Session, user_id: int) -> None:
    """Raise OperatorsOnly unless the id is an active operator's."""
    operator = db.get(User, user_id)
    if operator is None or operator.account_type != AccountType.OPERATOR or not operator.active:
        raise OperatorsOnly


def checked_words(
    words: str, field: str, message: str, max_characters: int = REASON_MAX_CHARACTERS
) -> str:
    """Return the text as one printable line. Raises Invalid(message) if it is not visible text,
    and Invalid if it has more than `max_characters`.
    """
    line = " ".join(without_direction_controls(words).split())
    if not is_visible(line) or not line.isprintable():
        raise Invalid(message, fields=(FieldError(field, message, field),))
    if len(line) > max_characters:
        shorter = f"Shorten this to {max_characters} characters; it has {len(line)}."
        raise Invalid(shorter, fields=(FieldError(field, shorter, field),))
    return line


def record(act: str, operator_id: int | None, **about: int | str) -> None:
    """Log an operator's action, without free text. `operator_id` None means the command line."""
    log().info("operator_act", act=act, operator_id=operator_id, **about)
