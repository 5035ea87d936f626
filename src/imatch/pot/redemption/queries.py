"""Reads of redemptions: requests, and what a person may redeem."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.accounts.queries import user_by_id as person_of
from imatch.core.ids import is_id
from imatch.core.money import Money, usd
from imatch.ledger import CASH, POT, queries
from imatch.pot.models import PotRedemption
from imatch.pot.policy import service as policy
from imatch.pot.policy.service import Numbers
from imatch.pot.redemption.eligibility import OFF, limits, reasons_against, refusal_of_amount
from imatch.pot.redemption.errors import RedemptionNotFound
from imatch.pot.rules import PAYOUT_PER_POT
from imatch.web import formats


@dataclass(frozen=True, slots=True)
class RedemptionStanding:
    """What a person may redeem, in POT. `most` is `redeemable_now` capped by the limits."""

    free: int
    held: int
    allowance: Money
    redeemable_now: int
    payout: Money
    most: int
    open: bool
    reasons: tuple[str, ...]


def standing(db: Session, user_id: int) -> RedemptionStanding:
    """What this person may redeem now, and every reason against it."""
    return _standing(db, person_of(db, user_id), policy.current(db))


def objections(db: Session, redemption: PotRedemption) -> tuple[str, ...]:
    """Why `approve` would refuse an open request; empty if it may be approved."""
    numbers = policy.current(db)
    texts = list(reasons_against(db, db.get_one(User, redemption.user_id), numbers))
    pot = redemption.pot_amount
    texts.append(refusal_of_amount(db, redemption.user_id, pot, numbers, upto=redemption))
    allowance = queries.free(db, CASH, redemption.user_id)
    if redemption.cash_hold_id is None and allowance < redemption.payout_cents:
        texts.append("Paid commission does not cover it.")
    return tuple(text for text in texts if text)


def of_id(db: Session, redemption_id: int) -> PotRedemption:
    """Raises RedemptionNotFound."""
    redemption = db.get(PotRedemption, redemption_id) if is_id(redemption_id) else None
    if redemption is None:
        raise RedemptionNotFound
    return redemption


def of_person(
    db: Session, user_id: int, limit: int = 50, *, after_id: int | None = None
) -> Sequence[PotRedemption]:
    """A person's requests, the newest first; `after_id` is the last id of the previous page."""
    query = select(PotRedemption).where(PotRedemption.user_id == user_id)
    if after_id is not None:
        query = query.where(PotRedemption.id < after_id)
    return db.scalars(query.order_by(PotRedemption.id.desc()).limit(limit)).all()


def _standing(db: Session, person: User, numbers: Numbers) -> RedemptionStanding:
    account = queries.account(db, POT, person.id)
    redeemable = redeemable_pot(db, person.id)
    most = min([redeemable, *(limit.left for limit in limits(db, person.id, numbers))])
    reasons = list(reasons_against(db, person, numbers))
    smallest = numbers.smallest_redemption
    if OFF not in reasons and redeemable < smallest:
        reasons.append(
            f"You can redeem from {formats.number(smallest)} POT on; paid commission covers"
            f" {formats.number(redeemable)} of yours now."
        )
    elif OFF not in reasons and most < smallest:
        reasons.append("You have redeemed as much as is allowed for now.")
    return RedemptionStanding(
        free=account.balance - account.held if account else 0,
        held=account.held if account else 0,
        allowance=usd(queries.free(db, CASH, person.id)),
        redeemable_now=redeemable,
        payout=PAYOUT_PER_POT * redeemable,
        most=most,
        open=not reasons,
        reasons=tuple(reasons),
    )


def redeemable_pot(db: Session, user_id: int) -> int:
    """POT that are free and covered by the person's allowance."""
    covered = queries.free(db, CASH, user_id) // PAYOUT_PER_POT.cents
    return min(queries.free(db, POT, user_id), covered)
