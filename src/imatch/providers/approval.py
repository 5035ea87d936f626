"""What an operator decides about a profile; each act is logged with who did it, without texts."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.operators import record
from imatch.categories import checks
from imatch.core.clock import now, today
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid
from imatch.core.events import announce
from imatch.core.settings import get_settings
from imatch.facts.marketplace import ProviderApproved, ProviderRejected
from imatch.mail import service as mail
from imatch.providers import milestones, rules
from imatch.providers.models import Provider, ProviderStatus
from imatch.providers.service import UNSENT, definition_of, locked

REASON_MAX = 600
_APPROVED = """Your profile is approved and public: {url}/p/{slug}

You can pause it, or change how many new clients you take, at {url}/pro
"""
_REJECTED = """We could not approve your profile as it is. The reason:

{reason}

Change it and send it again at {url}/pro
"""


class ChangedMeanwhile(Conflict):
    code = "profile_changed_meanwhile"

    def __init__(self) -> None:
        super().__init__(
            "This profile was changed or decided on while you looked at it. Nothing was done."
        )


class NotPending(Conflict):
    code = "profile_not_pending"

    def __init__(self, status: str) -> None:
        super().__init__(f"This profile is {status}: there is nothing to decide.")


def approve(
    db: Session, provider: Provider, operator: User | None, *, seen: str | None = None
) -> Provider:
    """Show the profile to everybody. `seen` is the rules.version_of that was looked at.

    No operator means the command line. Raises ChangedMeanwhile, NotPending.
    """
    with atomic(db):
        held = _for_decision(db, provider, seen)
        if held.status != ProviderStatus.PENDING:
            raise NotPending(held.status)
        _decide(held, ProviderStatus.APPROVED, "")
        category = definition_of(db, held)
        announce(db, ProviderApproved(held.id, held.user_id, category.name))
        milestones.profile_published(db, held)
        _tell(db, held, f"Your profile as a {category.singular} is approved", _APPROVED)
        record("approve_provider", operator.id if operator else None, provider_id=held.id)
    return held


def reject(
    db: Session,
    provider: Provider,
    operator: User | None,
    *,
    reason: str,
    seen: str | None = None,
) -> Provider:
    """Refuse a pending profile, or take an approved one down; its owner reads the reason.

    Raises Invalid for a missing or too long reason, ChangedMeanwhile, NotPending.
    """
    text = _checked_reason(reason)
    with atomic(db):
        held = _for_decision(db, provider, seen, taking_down=True)
        if held.status in UNSENT:
            raise NotPending(held.status)
        _decide(held, ProviderStatus.REJECTED, text)
        category = definition_of(db, held)
        announce(db, ProviderRejected(held.id, held.user_id, category.name, text))
        _tell(db, held, f"Your profile as a {category.singular} needs changes", _REJECTED)
        record("reject_provider", operator.id if operator else None, provider_id=held.id)
    return held


def verify_credentials(
    db: Session,
    provider: Provider,
    operator: User | None,
    kinds: Iterable[str],
    *,
    seen: str | None = None,
) -> Provider:
    """Mark exactly these stated types as checked today; earlier marks keep their day.

    Raises Invalid for a type that the profile does not state, ChangedMeanwhile.
    """
    with atomic(db):
        held = _for_decision(db, provider, seen)
        wanted = set(kinds)
        stated = rules.credential_types(held.profile)
        if not wanted <= set(stated):
            fault = FieldError("verified", "Choose from the credentials stated.", "verified")
            raise Invalid("The profile does not state that credential.", fields=(fault,))
        before = held.verified_credentials
        held.verified_credentials = [kind for kind in stated if kind in wanted]
        held.verified_on = {
            kind: held.verified_on.get(kind, today().isoformat())
            for kind in held.verified_credentials
        }
        held.credentials_changed_at = None
        held.updated_at = now()
        fresh = [kind for kind in held.verified_credentials if kind not in before]
        milestones.credentials_verified(db, held, fresh)
        record("verify_credentials", operator.id if operator else None, provider_id=held.id)
    return held


def _for_decision(
    db: Session, provider: Provider, seen: str | None, *, taking_down: bool = False
) -> Provider:
    held = locked(db, provider.id)
    if seen is None or seen == rules.version_of(held):
        return held
    # A public profile comes down whatever it says by now, or its owner could change it for ever.
    if taking_down and held.status == ProviderStatus.APPROVED == rules.status_in(seen):
        return held
    raise ChangedMeanwhile


def _decide(held: Provider, status: ProviderStatus, reason: str) -> None:
    held.status = status
    held.decision_reason = reason
    held.decided_at = held.updated_at = now()
    held.credentials_changed_at = None


def _checked_reason(reason: str) -> str:
    try:
        text = checks.clean_text(reason, "Reason", REASON_MAX, lines=True)
        message = "Say why: the professional reads it and can mend the profile."
    except checks.AnswerFault as fault:
        text, message = None, fault.message
    if text is None:
        raise Invalid("A reason is needed.", fields=(FieldError("reason", message, "reason"),))
    return text


def _tell(db: Session, held: Provider, subject: str, text: str) -> None:
    owner = db.get_one(User, held.user_id)
    url = get_settings().base_url
    filled = text.format(url=url, slug=held.slug, reason=held.decision_reason)
    mail.send(db, recipient=owner.email, subject=subject, text=filled)
