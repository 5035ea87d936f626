"""Facts about an erased account earn nothing, raise nothing, and cost nobody else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts import service as accounts
from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.core.errors import DomainError
from imatch.facts.marketplace import (
    CredentialVerified,
    EngagementReversed,
    ReportAccepted,
    ReportKind,
)
from imatch.facts.people import (
    DayBegun,
    IdentityVerified,
    ProfileCompleted,
    SecondFactorKept,
    Side,
    ThirtyDaysVisited,
)
from imatch.ledger import CASH, POT
from imatch.ledger.auditing.audit import audit
from imatch.ledger.queries import account, free
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward
from imatch.pot.reserve import service as reserve
from imatch.pot.reserve.models import PotCommission
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from tests.factories import Make
from tests.factories.facts import announce_each, engagement_paid, rating_given

pytestmark = pytest.mark.both_databases


@pytest.fixture(params=["a nameless number", "nothing"])
def gone(db: Session, make: Make, request: pytest.FixtureRequest) -> int:
    """An erased person; the parameter says what is left of their account."""
    user = make.user()
    user_id = user.id
    make.user()  # SQLite gives the highest number again when its row is deleted
    if request.param == "a nameless number":
        make.pot(user_id)
    accounts.erase(db, user)
    return user_id


def test_their_own_facts_earn_nothing(db: Session, gone: int) -> None:
    before = db.scalars(select(PotAward.id)).all()
    announce_each(
        db,
        IdentityVerified(gone),
        SecondFactorKept(gone),
        DayBegun(gone, date(2026, 3, 3)),
        ThirtyDaysVisited(gone, 30),
        ProfileCompleted(gone, Side.PROVIDER),
        ReportAccepted(1, gone, ReportKind.BUG),
    )
    assert db.scalars(select(PotAward.id)).all() == before
    assert free(db, POT, gone) == 0


@pytest.mark.parametrize("side", ["provider", "seeker"])
def test_the_other_side_of_a_deal_still_earns(
    db: Session, make: Make, gone: int, side: str
) -> None:
    other, inviter = make.user().id, make.user().id
    sides = {f"{side}_user_id": gone, f"{side}_referrer_user_id": inviter}
    left = "seeker" if side == "provider" else "provider"
    deal = engagement_paid(
        deal_cents=100_000, earlier_of_seeker=0, earlier_of_provider=0,
        **{**sides, f"{left}_user_id": other},
    )  # fmt: skip
    best = rating_given(rater_user_id=other, rated_user_id=gone, deal_cents=100_000)
    announce_each(db, deal, best)
    assert free(db, POT, gone) == 0
    assert free(db, POT, other) == {"provider": 50, "seeker": 100}[left] + 10
    assert free(db, POT, inviter) == {"provider": 500, "seeker": 250}[side]
    reserve.clear_due(db)
    announce_each(db, EngagementReversed(1, "Refunded"))
    assert [free(db, POT, person) for person in (other, inviter)] == [0, 0]
    assert [audit(db, book).findings for book in (POT, CASH)] == [[], []]


def test_an_inviter_who_went_is_promised_nothing(db: Session, make: Make, gone: int) -> None:
    provider, seeker = make.user().id, make.user().id
    sides = {"provider_user_id": provider, "seeker_user_id": seeker}
    announce_each(db, engagement_paid(earlier_of_seeker=0, seeker_referrer_user_id=gone, **sides))
    reserve.clear_due(db)
    assert (free(db, POT, gone), free(db, CASH, gone)) == (0, 0)
    assert [free(db, CASH, person) for person in (provider, seeker)] == [250, 100]
    assert db.scalars(select(PotCommission.status)).all() == ["cleared"]


def test_facts_announced_during_an_erasure_earn_nothing(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    user_id = make.buyer().id
    together = Barrier(5)

    def act(number: int) -> None:
        with new_session() as session:
            user = session.get_one(User, user_id)
            session.rollback()
            together.wait()
            if number:
                awards.on_rewarded_fact(session, CredentialVerified(number, user_id))
            else:
                accounts.erase(session, user)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(act, range(5)))
    with atomic(db):
        assert free(db, POT, user_id) == 0
        assert "queued" not in db.scalars(select(PotAward.status)).all()


def test_what_is_ordered_while_somebody_goes_is_not_left_open(
    db: Session, make: Make, new_session: Callable[[], Session]
) -> None:
    user_id = make.buyer().id
    first = make.purchase(user_id, note="By the window").id
    together = Barrier(7)

    def act(number: int) -> None:
        with new_session() as session, suppress(DomainError):
            user = session.get_one(User, user_id)
            session.rollback()
            together.wait()
            if number == 0:
                accounts.erase(session, user)
            elif number == 1:
                shop.cancel(session, first, user_id=user_id)
            else:
                shop.buy(session, user_id, "workshop", key=str(number), note="By the window")

    with ThreadPoolExecutor(7) as pool:
        list(pool.map(act, range(7)))
    with atomic(db):
        purchases = db.scalars(select(PotPurchase)).all()
        assert {(purchase.status, purchase.note) for purchase in purchases} == {("cancelled", "")}
        stands = account(db, POT, user_id)
        assert stands is not None
        assert (stands.balance, stands.held) == (0, 0)
