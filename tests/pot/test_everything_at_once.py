"""Everything that moves POT, at the same moment and for the same few people: nobody waits in a
circle, nothing fails but for a reason that can be told, and the books add up.
"""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch import POTService
from imatch.accounts import service as accounts
from imatch.accounts.models import User
from imatch.core.database import atomic
from imatch.core.errors import DomainError
from imatch.core.events import announce
from imatch.facts.marketplace import CredentialVerified, EngagementReversed
from imatch.ledger import CASH, POT
from imatch.ledger.auditing.audit import audit
from imatch.ledger.models import PotAccount
from imatch.pot.awards import clawbacks
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward, PotDebt
from imatch.pot.models import PotRedemption
from imatch.pot.policy import service as policy
from imatch.pot.redemption import payees, payouts
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as reserve
from imatch.pot.reserve.coverage import coverage
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from tests.factories import Make
from tests.factories.facts import engagement_paid, rating_given
from tests.factories.redemptions import IBAN

CALLERS, ACTS = 8, 160
BANK = "bank_transfer"
pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("cash_redemption_on")]


@dataclass
class Somebody:
    """Does one of these things, chosen by the number; who and what is drawn."""

    db: Session
    number: int
    people: list[int]
    leaver: int
    operators: tuple[int, int]
    chance: random.Random = field(default_factory=random.Random)

    def acts(self) -> None:
        names = sorted(name for name in vars(type(self)) if not name.startswith("_"))
        doing = [name for name in names if callable(getattr(self, name)) and name != "acts"]
        self.chance.seed(self.number)
        getattr(self, doing[self.number % len(doing)])()

    def _one(self) -> int:
        return self.chance.choice([*self.people, self.leaver])

    def _any(self, kind: type[PotPurchase | PotRedemption]) -> int:
        ids = list(self.db.scalars(select(kind.id)))
        self.db.rollback()
        return self.chance.choice(ids) if ids else 0

    def hears_of_visits(self) -> None:
        awards.on_rewarded_fact(self.db, CredentialVerified(self.number, self._one()))

    def deals(self) -> None:
        person, other = self.chance.sample([*self.people, self.leaver], 2)
        sides = {"provider_user_id": person, "seeker_user_id": other}
        deal = engagement_paid(
            self.chance.randint(1, 9), deal_cents=100_000, seeker_referrer_user_id=self._one(),
            earlier_of_seeker=0, **sides,
        )  # fmt: skip
        with atomic(self.db):
            announce(self.db, deal)

    def rates(self) -> None:
        person, other = self.chance.sample(self.people, 2)
        awards.on_rewarded_fact(
            self.db,
            rating_given(
                engagement_id=self.chance.randint(1, 9),
                rater_user_id=person,
                rated_user_id=other,
                stars=5,
            ),
        )

    def reverses(self) -> None:
        with atomic(self.db):
            announce(self.db, EngagementReversed(self.chance.randint(1, 9), "Refunded"))

    def pays_the_queue(self) -> None:
        awards.pay_queue(self.db)

    def clears(self) -> None:
        reserve.clear_due(self.db)

    def awards(self) -> None:
        POTService(self.db).award_pot(self._one(), "bug_report")

    def claws_back(self) -> None:
        clawbacks.claw_back(self.db, self._one(), 300, key=f"claw {self.number}", reason="Fraud")

    def buys(self) -> None:
        shop.buy(self.db, self._one(), "workshop", key=str(self.number), amount=50)

    def cancels(self) -> None:
        shop.cancel(self.db, self._any(PotPurchase))

    def delivers(self) -> None:
        shop.deliver(self.db, self._any(PotPurchase))

    def asks(self) -> None:
        redemptions.request(self.db, self._one(), 100, BANK, key=str(self.number))

    def takes_back(self) -> None:
        redemption = redemption_queries.of_id(self.db, self._any(PotRedemption))
        redemptions.cancel(self.db, redemption.user_id, redemption.id)

    def approves(self) -> None:
        redemptions.approve(self.db, self._any(PotRedemption), self.operators[0])

    def exports(self) -> None:
        payouts.bank_export(self.db, self.operators[1])

    def changes_the_account(self) -> None:
        account = self.chance.choice((IBAN, "FR1420041010050500013M02606"))
        country = account[:2]
        payees.save(self.db, self._one(), name="Sam Example", country=country, account=account)

    def erases(self) -> None:
        if self.number > ACTS // 2:
            user = self.db.get(User, self.leaver)
            self.db.rollback()
            if user is not None and user.active:
                accounts.erase(self.db, user)


def test_everything_at_once(db: Session, make: Make, new_session: Callable[[], Session]) -> None:
    policy.genesis(db)
    people = [make.redeemer(pot=400, covered_pot=500).id for _ in range(4)]
    operators = (make.approver.id, make.payer.id)
    make.weekly_budget(700, make.approver.created_at)
    db.rollback()

    def act(number: int) -> None:
        with new_session() as session, suppress(DomainError):
            Somebody(session, number, people[:3], people[3], operators).acts()

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(act, range(ACTS)))
    with atomic(db):
        assert [audit(db, book).findings for book in (POT, CASH)] == [[], []]
        covered = coverage(db)
        assert covered.reserve.cents >= covered.payable.cents
        owing = set(db.scalars(select(PotDebt.user_id).where(PotDebt.owed > 0)))
        free = select(PotAccount.balance - PotAccount.held).where(PotAccount.user_id.in_(owing))
        assert set(db.scalars(free)) <= {0}
        keys = db.scalars(select(PotAward.key)).all()
        assert len(keys) == len(set(keys))
