"""What every operator's act in the POT economy needs: the right, a reason, a line in the log."""

from sqlalchemy.orm import Session

from imatch.accounts.errors import OperatorsOnly
from imatch.accounts.models import AccountType, User
from imatch.core.errors import FieldError, Invalid
from imatch.core.logs import log
from imatch.core.text import is_visible, without_direction_controls

REASON_MAX = 300


def require_operator(db: Session, user_id: int) -> None:
    """Raise OperatorsOnly unless this is an active operator's id."""
    operator = db.get(User, user_id)
    if operator is None or operator.account_type != AccountType.OPERATOR or not operator.active:
        raise OperatorsOnly


def checked_words(words: str, field: str, message: str, longest: int = REASON_MAX) -> str:
    """One line that a person can read. Raises Invalid with the message for anything else."""
    clean = " ".join(without_direction_controls(words).split())
    if not is_visible(clean) or not clean.isprintable():
        raise Invalid(message, fields=(FieldError(field, message, field),))
    if len(clean) > longest:
        shorter = f"Shorten this to {longest} characters; it has {len(clean)}."
        raise Invalid(shorter, fields=(FieldError(field, shorter, field),))
    return clean


def record(act: str, operator_id: int | None, **about: int | str) -> None:
    """Log an act, without texts. No operator means the command line."""
    log().info("operator_act", act=act, operator_id=operator_id, **about)
