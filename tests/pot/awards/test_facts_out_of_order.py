"""A reversed engagement earns nothing, in whatever order its facts are announced."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.core import database
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.facts.marketplace import CompletionConfirmed, EngagementPaid, EngagementReversed
from imatch.ledger import CASH, POT, KeyReused
from imatch.ledger.auditing.audit import audit
from imatch.ledger.queries import system_balances
from imatch.operations.database import downgrade, migrate
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward
from imatch.pot.models import PotEngagement
from imatch.pot.reserve import service as reserve
from imatch.pot.reserve.models import PotCommission
from tests.factories import Make
from tests.factories.facts import (
    FOE,
    FRIEND,
    ME,
    OTHER,
    announce_each,
    engagement_paid,
    four_people,
    rating_given,
)

pytestmark = pytest.mark.both_databases

FIRST_DEAL = engagement_paid(
    deal_cents=100_000,
    commission_cents=20_000,
    earlier_of_seeker=0,
    seeker_referrer_user_id=FRIEND,
    on_time=True,
)
ROUNDS = 10
REVERSED = EngagementReversed(1, "Refunded")


@pytest.fixture(autouse=True)
def _marketplace(make: Make) -> None:
    four_people(make)


def has_nothing(db: Session) -> bool:
    reserve.clear_due(db)
    free = [POTService(db).get_user_balance(person) for person in (ME, OTHER, FRIEND)]
    standing = select(PotAward.id).where(PotAward.status != "clawed_back")
    cash = any(system_balances(db, CASH).values())
    return free == [0, 0, 0] and not db.scalars(standing).all() and not cash


@pytest.mark.parametrize("commission_cents", [20_000, 1, 0])
def test_a_payment_after_its_reversal_leaves_nothing(db: Session, commission_cents: int) -> None:
    late = engagement_paid(
        deal_cents=100_000, commission_cents=commission_cents, earlier_of_seeker=0
    )
    announce_each(db, REVERSED, REVERSED, late, late)
    assert has_nothing(db)
    announce_each(db, REVERSED, late)
    assert has_nothing(db)
    assert db.scalars(select(PotCommission)).all() == []
    assert audit(db, CASH).findings == []


def test_only_the_reversed_engagement_is_concerned(db: Session) -> None:
    announce_each(db, REVERSED, engagement_paid(engagement_id=2, deal_cents=100_000))
    assert POTService(db).get_user_balance(ME) == 50
    assert db.scalars(select(PotCommission.engagement_id)).all() == [2]


@pytest.mark.parametrize("commission_cents", [20_000, 0])
def test_later_facts_of_a_reversed_engagement_earn_nothing(
    db: Session, commission_cents: int
) -> None:
    """Otherwise a refunded person could still earn POT by rating."""
    deal = engagement_paid(deal_cents=100_000, commission_cents=commission_cents)
    best = rating_given(stars=5, deal_cents=100_000, review_words=60)
    announce_each(db, deal, REVERSED, best, CompletionConfirmed(1, OTHER, 5), deal)
    assert has_nothing(db)


def test_a_key_of_two_payments_is_still_refused(db: Session) -> None:
    announce_each(db, FIRST_DEAL)
    with pytest.raises(KeyReused):
        announce_each(db, engagement_paid(commission_cents=7))


def test_reversals_from_before_the_table_are_remembered(db: Session) -> None:
    announce_each(db, FIRST_DEAL, REVERSED, engagement_paid(engagement_id=2))
    downgrade(database.engine(), "0003")
    migrate(database.engine())
    with atomic(db):
        (engagement,) = db.scalars(select(PotEngagement)).all()
        assert (engagement.engagement_id, engagement.reversed_at is not None) == (1, True)


def telling(fact: object) -> Callable[[Session], object]:
    return lambda db: announce_each(db, fact)


def deal_of(engagement_id: int, provider: int, seeker: int) -> EngagementPaid:
    return replace(
        FIRST_DEAL,
        engagement_id=engagement_id,
        provider_user_id=provider,
        seeker_user_id=seeker,
    )


def round_of(first: int) -> list[Callable[[Session], object]]:
    """All facts about three engagements of the same people."""
    deals = [
        deal_of(first, ME, OTHER),
        deal_of(first + 1, OTHER, ME),
        deal_of(first + 2, ME, FOE),
    ]
    ratings = [
        rating_given(
            engagement_id=deal.engagement_id,
            rater_user_id=deal.seeker_user_id,
            rated_user_id=deal.provider_user_id,
            stars=5,
            deal_cents=100_000,
        )
        for deal in deals
    ]
    reversals = [EngagementReversed(deal.engagement_id, "Refunded") for deal in deals]
    return [
        *map(telling, (*deals, deals[0], *reversals, reversals[0])),
        lambda db: awards.award_all(db, ratings),
        lambda db: awards.award_all(db, ratings[::-1]),
        reserve.clear_due,
        awards.pay_queue,
    ]


def at_once(
    new_session: Callable[[], Session], acts: Sequence[Callable[[Session], object]]
) -> None:
    together = Barrier(len(acts), timeout=60)

    def act(step: Callable[[Session], object]) -> None:
        with new_session() as session:
            together.wait()
            step(session)

    with ThreadPoolExecutor(together.parties) as pool:
        list(pool.map(act, acts))


def test_concurrent_facts_of_an_engagement(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    """In either order: nothing is refused, and no amount remains."""
    make.weekly_budget(300, now())  # some awards are paid at once, others wait
    for first in range(1, 3 * ROUNDS, 3):
        at_once(new_session, round_of(first))
    assert has_nothing(db)
    assert [audit(db, book).findings for book in (POT, CASH)] == [[], []]
    assert set(db.scalars(select(PotCommission.status))) <= {"reversed"}
    assert len(db.scalars(select(PotEngagement.reversed_at)).all()) == 3 * ROUNDS


def test_clearing_and_a_reversal_do_not_deadlock(
    db: Session, new_session: Callable[[], Session]
) -> None:
    """The same people's allowances, in whatever order their engagements were paid."""
    for first in range(1, 5 * ROUNDS, 5):
        announce_each(db, deal_of(first, ME, OTHER))
        reserve.clear_due(db)
        for engagement_id in range(first + 1, first + 4):
            announce_each(db, deal_of(engagement_id, OTHER, FOE))
        announce_each(db, deal_of(first + 4, ME, FOE))
        reversal = telling(EngagementReversed(first, "Refunded"))
        at_once(new_session, [reserve.clear_due, reversal])
    assert audit(db, CASH).findings == []
    assert set(db.scalars(select(PotCommission.status))) == {"cleared", "reversed"}
