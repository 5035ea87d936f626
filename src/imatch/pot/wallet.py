"""What a person's wallet shows beside the balance: what runs, what waits, what could be earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.ledger.models import PotTransaction
from imatch.pot import rewards
from imatch.pot.models import PotAward, PotPurchase
from imatch.pot.rewards import EarningStanding

_WAITING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """Awards in line: the first with the day by which each is paid (None: not known)."""

    first: Sequence[tuple[PotAward, date | None]]
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A purchase, with the free POT before and after it."""

    purchase: PotPurchase
    free_before: int
    free_after: int


@dataclass(frozen=True, slots=True)
class WaysToEarn:
    """Every earning rule once: open to this person, not open to anybody yet, others' alone."""

    now: Sequence[EarningStanding]
    later: Sequence[EarningStanding]
    others: Sequence[EarningStanding]


def running(db: Session, user_id: int) -> Sequence[PotPurchase]:
    """What is ordered, or in effect until a day; the first to end comes first."""
    query = select(PotPurchase).where(
        PotPurchase.user_id == user_id,
        or_(
            PotPurchase.status == "ordered",
            (PotPurchase.status == "active") & (PotPurchase.ends_at > now()),
        ),
    )
    return db.scalars(query.order_by(PotPurchase.ends_at, PotPurchase.id).limit(100)).all()


def waiting(db: Session, user_id: int) -> Waiting:
    awards = rewards.queued(db, user_id)
    first = [(award, rewards.expected_payment(db, award)) for award in awards[:_WAITING_SHOWN]]
    return Waiting(first, len(awards), sum(award.amount for award in awards))


def receipt(db: Session, user_id: int, purchase_id: int) -> Receipt | None:
    """None for what this person did not buy."""
    purchase = db.get(PotPurchase, purchase_id) if 0 < purchase_id < 2**63 else None
    if purchase is None or purchase.user_id != user_id or purchase.transaction_id is None:
        return None
    row = db.get_one(PotTransaction, purchase.transaction_id)
    return Receipt(purchase, row.balance_before or 0, row.balance_after or 0)


def ways_to_earn(db: Session, person: User) -> WaysToEarn:
    standings = rewards.standings(db, person.id)
    mine = [one for one in standings if one.earning.is_for(person.account_type)]
    return WaysToEarn(
        now=[one for one in mine if one.earning.offered],
        later=[one for one in mine if not one.earning.offered],
        others=[one for one in standings if not one.earning.is_for(person.account_type)],
    )


def quickest(db: Session, person: User, count: int = 4) -> list[EarningStanding]:
    """The ways to earn that pay most and are still open to this person."""
    left = [one for one in ways_to_earn(db, person).now if one.times_left != 0]
    paying = [one for one in left if isinstance(one.earning.pot, int)]
    return sorted(paying, key=_pot, reverse=True)[:count]


def _pot(standing: EarningStanding) -> int:
    pot = standing.earning.pot
    return pot if isinstance(pot, int) else 0
