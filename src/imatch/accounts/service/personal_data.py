"""Export a user's personal data and erase their account.

Other domains take part by listening to `PersonExported` and `PersonErased`.
"""

from collections.abc import Mapping

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.models import ApiKey, EmailedLink, RecoveryCode, User, UserSession
from imatch.accounts.rules import ERASED_DOMAIN
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.core.security import new_token
from imatch.facts.people import PersonErased, PersonExported
from imatch.mail.models import MailMessage

ERASED_NAME = "Erased account"


def export(db: Session, user: User) -> Mapping[str, object]:
    """Everything stored about the user as JSON values, one section for each domain.

    Leaves out secrets and the texts of letters, which contain sign-in links.
    """
    fact = PersonExported(user.id)
    announce(db, fact)
    return {"exported_at": now().isoformat(), "account": _account(db, user), **fact.sections}


def erase(db: Session, user: User) -> None:
    """Delete the account and its data.

    If rows of others (ratings, payments) still reference it, an anonymous row remains.
    """
    with atomic(db):
        announce(db, PersonErased(user.id))
        _delete_letters(db, user)
        for table in (UserSession, EmailedLink, RecoveryCode, ApiKey):
            db.execute(delete(table).where(table.user_id == user.id))
        try:
            with db.begin_nested():
                db.execute(delete(User).where(User.id == user.id))
        except IntegrityError:
            _anonymize(user)
        else:
            db.expunge(user)


def _delete_letters(db: Session, user: User) -> None:
    """Delete letters to the user's address and to the addresses of their links.

    Letters to an address that is another user's by now remain.
    """
    link_addresses = select(EmailedLink.sent_to).where(EmailedLink.user_id == user.id)
    addresses_of_others = select(User.email).where(User.id != user.id)
    db.execute(
        delete(MailMessage).where(
            or_(MailMessage.recipient == user.email, MailMessage.recipient.in_(link_addresses)),
            MailMessage.recipient.not_in(addresses_of_others),
        )
    )


def _anonymize(user: User) -> None:
    user.email = f"{new_token()}{ERASED_DOMAIN}".lower()
    user.name = ERASED_NAME
    user.password_hash = user.email_confirmed_at = user.last_sign_in_at = None
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    user.active = False


def _account(db: Session, user: User) -> dict[str, object]:
    sessions = queries.sessions_of(db, user.id)
    keys = queries.api_keys_of(db, user.id)
    letters = select(MailMessage.subject, MailMessage.created_at).where(
        MailMessage.recipient == user.email
    )
    links = select(EmailedLink).where(EmailedLink.user_id == user.id).order_by(EmailedLink.id)
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "account_type": user.account_type,
        "created_at": user.created_at.isoformat(),
        "email_confirmed_at": user.email_confirmed_at and user.email_confirmed_at.isoformat(),
        "last_sign_in_at": user.last_sign_in_at and user.last_sign_in_at.isoformat(),
        "second_factor": user.totp_confirmed_at is not None,
        "browsers": [
            {
                "user_agent": session.user_agent,
                "signed_in_at": session.created_at.isoformat(),
                "last_seen_at": session.last_seen_at.isoformat(),
            }
            for session in sessions
        ],
        "api_keys": [
            {"name": key.name, "prefix": key.prefix, "created_at": key.created_at.isoformat()}
            for key in keys
        ],
        "letters": [
            {"subject": subject, "written_at": written_at.isoformat()}
            for subject, written_at in db.execute(letters.order_by(MailMessage.id))
        ],
        "links": [
            {
                "purpose": link.purpose,
                "sent_to": link.sent_to,
                "created_at": link.created_at.isoformat(),
            }
            for link in db.scalars(links)
        ],
    }
