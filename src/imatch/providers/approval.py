"""Operators' decisions on profiles. Each is logged with the operator's id, without free text."""

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
from imatch.providers.service import UNSUBMITTED_STATUSES, definition_of, locked_provider

REJECTION_REASON_MAX_CHARACTERS = 600
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
    """Approve a pending profile, which makes it public, and notify its owner.

    `seen`: the rules.version_of that the operator saw; None skips the comparison.
    `operator` None means the command line. Raises ChangedMeanwhile, NotPending.
    """
    with atomic(db):
        provider = _locked_for_decision(db, provider, seen)
        if provider.status != ProviderStatus.PENDING:
            raise NotPending(provider.status)
        _decide(provider, ProviderStatus.APPROVED, "")
        category = definition_of(db, provider)
        announce(db, ProviderApproved(provider.id, provider.user_id, category.name))
        milestones.profile_published(db, provider)
        _notify_owner(db, provider, f"Your profile as a {category.singular} is approved", _APPROVED)
        record("approve_provider", operator.id if operator else None, provider_id=provider.id)
    return provider


def reject(
    db: Session,
    provider: Provider,
    operator: User | None,
    *,
    reason: str,
    seen: str | None = None,
) -> Provider:
    """Reject a pending or approved profile, and mail its owner the reason.

    Raises Invalid for a missing or too long reason, ChangedMeanwhile, NotPending.
    """
    text = _checked_reason(reason)
    with atomic(db):
        provider = _locked_for_decision(db, provider, seen, taking_down=True)
        if provider.status in UNSUBMITTED_STATUSES:
            raise NotPending(provider.status)
        _decide(provider, ProviderStatus.REJECTED, text)
        category = definition_of(db, provider)
        announce(db, ProviderRejected(provider.id, provider.user_id, category.name, text))
        _notify_owner(
            db, provider, f"Your profile as a {category.singular} needs changes", _REJECTED
        )
        record("reject_provider", operator.id if operator else None, provider_id=provider.id)
    return provider


def verify_credentials(
    db: Session,
    provider: Provider,
    operator: User | None,
    kinds: Iterable[str],
    *,
    seen: str | None = None,
) -> Provider:
    """Set which stated credential types are verified. Types verified before keep their date.

    Raises Invalid for a type that the profile does not state, ChangedMeanwhile.
    """
    with atomic(db):
        provider = _locked_for_decision(db, provider, seen)
        chosen = set(kinds)
        stated = rules.credential_types(provider.profile)
        if not chosen <= set(stated):
            error = FieldError("verified", "Choose from the credentials stated.", "verified")
            raise Invalid("The profile does not state that credential.", fields=(error,))
        before = provider.verified_credentials
        provider.verified_credentials = [kind for kind in stated if kind in chosen]
        provider.verified_on = {
            kind: provider.verified_on.get(kind, today().isoformat())
            for kind in provider.verified_credentials
        }
        provider.credentials_changed_at = None
        provider.updated_at = now()
        newly_verified = [kind for kind in provider.verified_credentials if kind not in before]
        milestones.credentials_verified(db, provider, newly_verified)
        record("verify_credentials", operator.id if operator else None, provider_id=provider.id)
    return provider


def _locked_for_decision(
    db: Session, provider: Provider, seen: str | None, *, taking_down: bool = False
) -> Provider:
    provider = locked_provider(db, provider.id)
    if seen is None or seen == rules.version_of(provider):
        return provider
    # Operators may take a public profile down even if it changed meanwhile: otherwise its owner
    # could prevent that by changing it again and again.
    if taking_down and provider.status == ProviderStatus.APPROVED == rules.status_in(seen):
        return provider
    raise ChangedMeanwhile


def _decide(provider: Provider, status: ProviderStatus, reason: str) -> None:
    provider.status = status
    provider.decision_reason = reason
    provider.decided_at = provider.updated_at = now()
    provider.credentials_changed_at = None


def _checked_reason(reason: str) -> str:
    try:
        text = checks.clean_text(reason, "Reason", REJECTION_REASON_MAX_CHARACTERS, lines=True)
        message = "Say why: the professional reads it and can mend the profile."
    except checks.AnswerFault as error:
        text, message = None, error.message
    if text is None:
        raise Invalid("A reason is needed.", fields=(FieldError("reason", message, "reason"),))
    return text


def _notify_owner(db: Session, provider: Provider, subject: str, text: str) -> None:
    owner = db.get_one(User, provider.user_id)
    url = get_settings().base_url
    filled = text.format(url=url, slug=provider.slug, reason=provider.decision_reason)
    mail.send(db, recipient=owner.email, subject=subject, text=filled)
