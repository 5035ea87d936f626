"""An engagement that was reversed earns nothing, in whatever order its facts are heard."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService, facts
from imatch.core.database import atomic
from imatch.core.events import announce
from imatch.ledger import CASH, KeyReused, LedgerError
from imatch.ledger.audit import audit
from imatch.ledger.queries import system_balances
from imatch.pot import clearing
from imatch.pot.models import PotAward, PotCommission
from imatch.wiring import wire
from tests.make import Make
from tests.pot.test_earn import FRIEND, ME, OTHER, paid, people, rated

FIRST_DEAL = paid(
    deal_cents=100_000,
    commission_cents=20_000,
    earlier_of_seeker=0,
    seeker_referrer_user_id=FRIEND,
    on_time=True,
)
REVERSED = facts.EngagementReversed(1, "Refunded")


@pytest.fixture(autouse=True)
def _marketplace(make: Make) -> None:
    wire()
    people(make)


def tell(db: Session, *told: object) -> None:
    for fact in told:
        with atomic(db):
            announce(db, fact)


def has_nothing(db: Session) -> bool:
    clearing.clear_due(db)
    free = [POTService(db).get_user_balance(one) for one in (ME, OTHER, FRIEND)]
    standing = select(PotAward.id).where(PotAward.status != "clawed_back")
    cash = any(system_balances(db, CASH).values())
    return free == [0, 0, 0] and not db.scalars(standing).all() and not cash


@pytest.mark.parametrize("commission_cents", [20_000, 1, 0])
def test_a_payment_after_its_reversal_leaves_nothing(db: Session, commission_cents: int) -> None:
    late = paid(deal_cents=100_000, commission_cents=commission_cents, earlier_of_seeker=0)
    tell(db, REVERSED, REVERSED, late, late)
    assert has_nothing(db)
    tell(db, REVERSED, late)
    assert has_nothing(db)
    assert db.scalars(select(PotCommission)).all() == []
    assert audit(db, CASH).findings == []


def test_only_the_reversed_engagement_is_concerned(db: Session) -> None:
    tell(db, REVERSED, paid(engagement_id=2, deal_cents=100_000))
    assert POTService(db).get_user_balance(ME) == 50
    assert db.scalars(select(PotCommission.engagement_id)).all() == [2]


@pytest.mark.parametrize("commission_cents", [20_000, 0])
def test_what_is_heard_of_a_reversed_engagement_later_earns_nothing(
    db: Session, commission_cents: int
) -> None:
    """Otherwise whoever is refunded could still rate for POT."""
    deal = paid(deal_cents=100_000, commission_cents=commission_cents)
    best = rated(stars=5, deal_cents=100_000, review_words=60)
    tell(db, deal, REVERSED, best, facts.CompletionConfirmed(1, OTHER, 5), deal)
    assert has_nothing(db)


def test_a_key_of_two_payments_is_still_refused(db: Session) -> None:
    tell(db, FIRST_DEAL)
    with pytest.raises(KeyReused):
        tell(db, paid(commission_cents=7))


def test_a_payment_and_its_reversal_at_the_same_moment(
    db: Session, new_session: Callable[[], Session]
) -> None:
    """Either may come first, or be refused whole; announced again, nothing is left."""
    together = Barrier(2)

    def told(fact: object) -> str:
        with new_session() as session:
            together.wait()
            try:
                tell(session, fact)
            except LedgerError as refusal:
                return type(refusal).__name__
        return "heard"

    with ThreadPoolExecutor(2) as pool:
        outcomes = Counter(pool.map(told, (FIRST_DEAL, REVERSED)))
    assert outcomes["heard"] + outcomes["KeyReused"] == 2
    assert outcomes["heard"] >= 1
    tell(db, FIRST_DEAL, REVERSED)
    assert has_nothing(db)
