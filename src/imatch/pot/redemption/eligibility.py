"""Who may redeem POT for dollars, and how many. Refusals are texts for the person."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.settings import get_settings
from imatch.pot.holds import is_on_hold
from imatch.pot.models import OPEN_REDEMPTIONS, PotRedemption, RedemptionStatus
from imatch.pot.policy.service import Numbers
from imatch.pot.redemption.models import PotPayee
from imatch.pot.reserve.models import CommissionStatus, PotCommission
from imatch.web import formats

OFF = "Redeeming POT for dollars is switched off here. Your POT still buy what is on offer."


@dataclass(frozen=True, slots=True)
class RedemptionLimit:
    """At most `most` POT within any `days` days, of which `used` are used up."""

    most: int
    days: int
    used: int

    @property
    def left(self) -> int:
        return max(self.most - self.used, 0)

    @property
    def span(self) -> str:
        return {1: "24 hours", 365: "a year"}.get(self.days, formats.plural(self.days, "day"))


def same_name(first: str, second: str) -> bool:
    """Whether two names are equal, ignoring case, spacing and Unicode compatibility forms."""
    return _normalized(first) == _normalized(second)


def reasons_against(db: Session, person: User, numbers: Numbers) -> tuple[str, ...]:
    """Every reason why this person cannot redeem at present; empty if they can."""
    if not get_settings().cash_redemption:
        return (OFF,)
    payee = db.get(PotPayee, person.id, populate_existing=True)
    checks = (
        (person.active, "This account is closed."),
        (payee is not None, "Say where your payouts should go."),
        (
            payee is None or same_name(payee.details["name"], person.name),
            "The bank account must be in the same name as your account here.",
        ),
        (
            payee is not None and payee.identity_verified_at is not None,
            "We have not verified your identity yet; we do once your payout details are here.",
        ),
        (
            person.created_at <= now() - timedelta(days=numbers.account_age_days),
            f"Your account must be {formats.plural(numbers.account_age_days, 'day')} old.",
        ),
        (_has_completed(db, person.id), "Complete an engagement here first."),
        (
            person.totp_confirmed_at is not None,
            "Protect your account with a second factor first.",
        ),
        (
            not is_on_hold(db, person.id),
            "Redeeming is on hold for your account while we look into something.",
        ),
    )
    return tuple(reason for passed, reason in checks if not passed)


def limits(
    db: Session, user_id: int, numbers: Numbers, *, upto: PotRedemption | None = None
) -> Sequence[RedemptionLimit]:
    """The limits with their use now, or with their use when the request `upto` was made."""
    moment = upto.requested_at if upto else now()
    spans = (
        (numbers.most_a_day, 1),
        (numbers.most_in_30_days, 30),
        (numbers.most_in_a_year, 365),
    )
    return [
        RedemptionLimit(most, days, _used(db, user_id, moment, days, upto)) for most, days in spans
    ]


def refusal_of_amount(
    db: Session, user_id: int, pot: int, numbers: Numbers, *, upto: PotRedemption | None = None
) -> str:
    """Why the smallest amount or a limit refuses this many POT; empty if none does.

    `upto` counts only requests before it, so that a request does not count against itself.
    """
    if pot < numbers.smallest_redemption:
        return f"Redeem at least {formats.number(numbers.smallest_redemption)} POT at once."
    for limit in limits(db, user_id, numbers, upto=upto):
        if pot > limit.left:
            return (
                f"At most {formats.number(limit.most)} POT can be redeemed within {limit.span};"
                f" {formats.number(limit.left)} {formats.noun(limit.left, 'is', 'are')} left."
            )
    return ""


def _used(
    db: Session, user_id: int, moment: datetime, days: int, upto: PotRedemption | None
) -> int:
    used = select(func.coalesce(func.sum(PotRedemption.pot_amount), 0)).where(
        PotRedemption.user_id == user_id,
        PotRedemption.status.in_(OPEN_REDEMPTIONS | {RedemptionStatus.PAID}),
        PotRedemption.requested_at > moment - timedelta(days=days),
    )
    if upto is not None:
        used = used.where(PotRedemption.id < upto.id)
    return int(db.scalar(used) or 0)


def _has_completed(db: Session, user_id: int) -> bool:
    """Whether the person took part in an engagement whose commission is paid and not reversed."""
    takes_part = or_(
        PotCommission.provider_user_id == user_id, PotCommission.seeker_user_id == user_id
    )
    kept = PotCommission.status != CommissionStatus.REVERSED
    return bool(db.scalar(select(exists().where(takes_part, kept))))


def _normalized(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
