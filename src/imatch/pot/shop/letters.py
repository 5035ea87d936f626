"""Letters to buyers about delivered orders, returned POT and failed renewals."""

from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.errors import DomainError
from imatch.core.settings import get_settings
from imatch.mail import service as mail
from imatch.pot.errors import InsufficientPot
from imatch.pot.shop.catalog import SPENDING_BY_NAME
from imatch.pot.shop.models import PotPurchase
from imatch.web import formats

_DELIVERED = """{title}: delivered.{note}

The {amount} POT that were held for it are spent. Your wallet: {url}/wallet
"""
_RETURNED = """{title}: not delivered.

The {amount} POT that were held for it are yours again. Your wallet: {url}/wallet
"""
_NOT_RENEWED = """{title} has ended and was not renewed: {reason}

Nothing was charged. You can buy it again at {url}{page}
"""


def order_delivered(db: Session, purchase: PotPurchase, note: str) -> None:
    paragraph = f"\n\n{note}" if note else ""
    _send(db, purchase, f"Delivered: {_title(purchase)}", _DELIVERED, note=paragraph)


def order_returned(db: Session, purchase: PotPurchase) -> None:
    _send(db, purchase, f"Your POT are back: {_title(purchase)}", _RETURNED)


def not_renewed(db: Session, purchase: PotPurchase, refusal: DomainError) -> None:
    reason = refusal.message
    if isinstance(refusal, InsufficientPot):
        missing = refusal.required - refusal.available
        reason = f"{formats.number(missing)} POT are missing."
    _send(db, purchase, f"Not renewed: {_title(purchase)}", _NOT_RENEWED, reason=reason)


def _send(db: Session, purchase: PotPurchase, subject: str, text: str, **values: str) -> None:
    buyer = db.get_one(User, purchase.user_id)
    option = SPENDING_BY_NAME.get(purchase.option)
    filled = text.format(
        title=_title(purchase),
        amount=formats.number(purchase.amount),
        url=get_settings().base_url,
        page=(option.bought_at if option else "") or "/wallet/spend",
        **values,
    )
    mail.send(db, recipient=buyer.email, subject=subject, text=filled)


def _title(purchase: PotPurchase) -> str:
    option = SPENDING_BY_NAME.get(purchase.option)
    return option.title if option else purchase.option
