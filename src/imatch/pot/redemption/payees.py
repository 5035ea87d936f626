"""Payees: the bank accounts that payouts go to, and the verification of identities."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts import queries as accounts
from imatch.accounts.models import User
from imatch.accounts.operators import record, require_operator
from imatch.accounts.queries import user_by_id
from imatch.core.clock import now
from imatch.core.countries import country_names
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid
from imatch.core.events import announce
from imatch.core.settings import get_settings
from imatch.facts.people import IdentityVerified
from imatch.mail import service as mail
from imatch.pot.holds import OwnIdentity
from imatch.pot.models import OPEN_REDEMPTIONS, PotRedemption, RedemptionStatus
from imatch.pot.policy import service as policy
from imatch.pot.redemption import bank_accounts
from imatch.pot.redemption.eligibility import same_name
from imatch.pot.redemption.models import PotPayee
from imatch.web import formats

NAME_MAX = 70  # the length that bank transfers carry
_CHANGED = """Your payout details at I MATCH were changed on {moment}.

Payouts wait {wait} from now. If this was not you, change your password and take your requests
back at once: {url}/wallet/redeem
"""


class PayoutUnderWay(Conflict):
    code = "payout_under_way"

    def __init__(self) -> None:
        super().__init__(
            "A payout to your present account is on its way. Change the details once it arrived."
        )


class NoPayee(Conflict):
    code = "no_payee"

    def __init__(self) -> None:
        super().__init__("This person has not said yet where payouts should go.")


def payee_of(db: Session, user_id: int) -> PotPayee | None:
    return db.get(PotPayee, user_id)


def masked(account: str) -> str:
    """The last four characters only, for the owner to recognise the account."""
    return f"•••• {account[-4:]}"


def save(
    db: Session, user_id: int, *, name: str, country: str, account: str, bank_code: str = ""
) -> PotPayee:
    """Set the person's payee. A change delays open payouts and withdraws their approval.

    Raises Invalid for wrong details, PayoutUnderWay while the bank has an open payout.
    """
    with atomic(db):
        person = accounts.locked_user(db, user_id)
        details = _validated(person, name, country, account, bank_code)
        payee = db.get(PotPayee, user_id, populate_existing=True)
        if payee is not None and payee.details == details:
            return payee
        _postpone_open_payouts(db, user_id)
        if payee is None:
            payee = PotPayee(user_id=user_id)
            db.add(payee)
        elif not same_name(payee.details["name"], details["name"]):
            payee.identity_verified_at = payee.verified_by = None
        payee.details = details
        payee.details_changed_at = now()
        _notify_changed(db, person)
        db.flush()
        return payee


def verify_identity(db: Session, user_id: int, operator_id: int) -> PotPayee:
    """Record that an operator verified this person's identity. Idempotent.

    Announces IdentityVerified. Raises NoPayee, OwnIdentity, UserNotFound.
    """
    with atomic(db):
        require_operator(db, operator_id)
        if user_id == operator_id:
            raise OwnIdentity
        user_by_id(db, user_id)
        payee = db.get(PotPayee, user_id, populate_existing=True)
        if payee is None:
            raise NoPayee
        if payee.identity_verified_at is None:
            payee.identity_verified_at, payee.verified_by = now(), operator_id
            record("verify_identity", operator_id, user_id=user_id)
            announce(db, IdentityVerified(user_id))
        return payee


def unverified(db: Session, limit: int) -> Sequence[tuple[PotPayee, User]]:
    """Payees whose identity is not verified, the longest waiting first."""
    query = (
        select(PotPayee, User)
        .join(User, User.id == PotPayee.user_id)
        .where(PotPayee.identity_verified_at.is_(None), User.active)
        .order_by(PotPayee.details_changed_at)
        .limit(limit)
    )
    return [(payee, person) for payee, person in db.execute(query)]


def _postpone_open_payouts(db: Session, user_id: int) -> None:
    """Set open redemptions back to pending and extend their wait. Raises PayoutUnderWay."""
    days = policy.current(db).hold_days_after_new_details
    open_redemptions = select(PotRedemption).where(
        PotRedemption.user_id == user_id, PotRedemption.status.in_(OPEN_REDEMPTIONS)
    )
    for redemption in db.scalars(open_redemptions.with_for_update()):
        if redemption.exported_at is not None:
            raise PayoutUnderWay
        redemption.status = RedemptionStatus.PENDING
        redemption.decided_by = redemption.decided_at = None
        redemption.due_at = max(redemption.due_at, now() + timedelta(days=days))


def _notify_changed(db: Session, person: User) -> None:
    text = _CHANGED.format(
        moment=formats.long_moment(now()),
        wait=formats.plural(policy.current(db).hold_days_after_new_details, "day"),
        url=get_settings().base_url,
    )
    mail.send(db, recipient=person.email, subject="Your payout details were changed", text=text)


def _validated(
    person: User, name: str, country: str, account: str, bank_code: str
) -> dict[str, str]:
    """The details as stored. Raises Invalid with one error for each wrong field."""
    faults: dict[str, str] = {}
    name = " ".join(name.split())
    account = bank_accounts.compact(account)
    bank_code = bank_accounts.compact(bank_code)
    if not name or len(name) > NAME_MAX or not name[0].isalpha() or not name.isprintable():
        faults["name"] = f"Write the name as your bank has it, in up to {NAME_MAX} characters."
    elif not same_name(name, person.name):
        faults["name"] = (
            f"Your account here is in the name {person.name}: payouts go to that name only."
        )
    if country not in country_names():
        faults["country"] = "Choose the country of your bank."
    else:
        faults |= bank_accounts.faults(country, account, bank_code)
    if faults:
        fields = tuple(FieldError(field, text, field) for field, text in faults.items())
        raise Invalid("Some details are not right.", fields=fields)
    return {"name": name, "country": country, "account": account, "bank_code": bank_code}
