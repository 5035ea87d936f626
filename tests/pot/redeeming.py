"""One line of set-up for tests about redeeming: people, commission, allowances, operators."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, User
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import only_listeners
from imatch.facts.marketplace import EngagementPaid
from imatch.ledger import CASH, POT, Movement, SystemAccount, TransactionType, post
from imatch.ledger.queries import free, people_totals, system_balances
from imatch.pot.models import PotRedemption
from imatch.pot.redemption import payees
from imatch.pot.reserve import service as reserve
from tests.make import Make

_numbers = itertools.count(1)
IBAN = "DE89370400440532013000"


class Redeeming:
    """What it takes until somebody can redeem, by the real steps."""

    def __init__(self, db: Session, make: Make) -> None:
        self.db = db
        self.make = make
        self.operator = make.user(account_type=AccountType.OPERATOR, name="Olga Example")
        self.second_operator = make.user(account_type=AccountType.OPERATOR, name="Otto Example")

    def person(self, **columns: Any) -> User:  # noqa: ANN401 -- any column
        """Somebody with an old account and a second factor."""
        values = {
            "created_at": now() - timedelta(days=100),
            "totp_confirmed_at": now() - timedelta(days=90),
            "account_type": AccountType.PROVIDER,
        }
        return self.make.user(**{**values, **columns})

    def redeemer(self, *, pot: int = 1_000, covered_pot: int = 1_000, **columns: Any) -> User:  # noqa: ANN401
        """A person whom every gate lets through, with an allowance for `covered_pot`."""
        person = self.person(**columns)
        self.payee(person)
        if pot:
            self.earn(person, pot)
        commission_cents = covered_pot * 80 * 100 // 25 or 1
        self.paid(provider=person, commission_cents=commission_cents, days_ago=200)
        reserve.clear_due(self.db)
        return person

    def payee(self, person: User, *, days_ago: int = 30) -> None:
        payee = payees.save(self.db, person.id, name=person.name, country="DE", account=IBAN)
        with only_listeners({}):  # its award would be POT that tests do not count on
            payees.verify_identity(self.db, person.id, self.operator.id)
        with atomic(self.db):
            payee.details_changed_at = now() - timedelta(days=days_ago)

    def earn(self, person: User, pot: int) -> None:
        movement = Movement(
            key=f"test-earn:{next(_numbers)}",
            user_id=person.id,
            amount=pot,
            counter_account=SystemAccount.TREASURY,
            transaction_type=TransactionType.EARN,
            category="bonus",
        )
        post(self.db, POT, movement)

    def paid(
        self,
        *,
        provider: User | None = None,
        seeker: User | None = None,
        commission_cents: int = 10_000,
        deal_cents: int = 50_000,
        days_ago: float = 0,
        **more: Any,  # noqa: ANN401 -- any attribute of the fact
    ) -> EngagementPaid:
        fact = EngagementPaid(
            engagement_id=more.pop("engagement_id", next(_numbers)),
            provider_user_id=(provider or self.make.user()).id,
            seeker_user_id=(seeker or self.make.user()).id,
            deal_cents=deal_cents,
            commission_cents=commission_cents,
            paid_at=now() - timedelta(days=days_ago),
            **more,
        )
        with atomic(self.db):
            reserve.on_engagement_paid(self.db, fact)
        return fact

    def lose(self, cents: int) -> None:
        """The reserve loses money, as after a reversal."""
        movement = Movement(
            key=f"test-loss:{next(_numbers)}",
            system_account=SystemAccount.RESERVE,
            counter_account=SystemAccount.LOST,
            amount=-cents,
            transaction_type=TransactionType.LOSS,
            category="loss",
        )
        post(self.db, CASH, movement)

    def books(self) -> dict[str, int]:
        """The cash book's accounts that hold something, with all allowances."""
        found = {name: cents for name, cents in system_balances(self.db, CASH).items() if cents}
        return {**found, "people": people_totals(self.db, CASH)[0]}

    def allowance(self, person: User) -> int:
        return free(self.db, CASH, person.id)

    def pot(self, person: User) -> int:
        return free(self.db, POT, person.id)


def make_due(db: Session, redemption: PotRedemption, moment: datetime | None = None) -> None:
    """As if its waiting time were over."""
    with atomic(db):
        redemption.due_at = moment or now()
