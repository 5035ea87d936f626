"""What it takes until somebody can redeem, by the real steps, and redemptions."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.events import only_listeners
from imatch.facts.marketplace import EngagementPaid
from imatch.ledger import CASH, Movement, SystemAccount, TransactionType, post
from imatch.pot.models import PotRedemption
from imatch.pot.redemption import payees, payouts
from imatch.pot.redemption import service as redemptions
from imatch.pot.redemption.models import PotPayee
from imatch.pot.reserve import service as reserve
from tests.factories.pot import PotFactory

IBAN = "DE89370400440532013000"
BANK = "bank_transfer"


class RedemptionFactory(PotFactory):
    @cached_property
    def approver(self) -> User:
        """The operator who approves; who approves does not pay."""
        return self.operator()

    @cached_property
    def payer(self) -> User:
        """The operator who tells the bank to pay, and says when it has."""
        return self.operator("Otto Example")

    def payee(self, person: User, *, days_ago: int = 30) -> PotPayee:
        """Where somebody's payouts go: their own account, by a name that was verified."""
        payee = payees.save(self.db, person.id, name=person.name, country="DE", account=IBAN)
        with only_listeners({}):  # its award would be POT that tests do not count on
            payees.verify_identity(self.db, person.id, self.approver.id)
        with atomic(self.db):
            payee.details_changed_at = now() - timedelta(days=days_ago)
        return payee

    def redeemer(self, pot: int = 1_000, covered_pot: int = 1_000, **columns: Any) -> User:  # noqa: ANN401
        """A person whom every gate lets through, with an allowance for `covered_pot`."""
        person = self.trusted_user(**columns)
        self.payee(person)
        if pot:
            self.pot(person, pot)
        commission_cents = covered_pot * 80 * 100 // 25 or 1
        self.commission(provider=person, commission_cents=commission_cents, days_ago=200)
        reserve.clear_due(self.db)
        return person

    def commission(
        self,
        *,
        provider: User | None = None,
        seeker: User | None = None,
        commission_cents: int = 10_000,
        deal_cents: int = 50_000,
        days_ago: float = 0,
        **more: Any,  # noqa: ANN401 -- any attribute of the fact
    ) -> EngagementPaid:
        """Commission that the reserve has heard of, and that waits to be cleared."""
        fact = EngagementPaid(
            engagement_id=more.pop("engagement_id", self.number()),
            provider_user_id=(provider or self.user()).id,
            seeker_user_id=(seeker or self.user()).id,
            deal_cents=deal_cents,
            commission_cents=commission_cents,
            paid_at=now() - timedelta(days=days_ago),
            **more,
        )
        with atomic(self.db):
            reserve.on_engagement_paid(self.db, fact)
        return fact

    def lost_reserve(self, cents: int) -> None:
        """Money that the reserve has no more, as after a reversal."""
        movement = Movement(
            key=f"loss-{self.number()}",
            system_account=SystemAccount.RESERVE,
            counter_account=SystemAccount.LOST,
            amount=-cents,
            transaction_type=TransactionType.LOSS,
            category="loss",
        )
        post(self.db, CASH, movement)

    def redemption(
        self,
        person: User,
        pot: int = 100,
        *,
        key: str | None = None,
        approved: bool = False,
        exported: bool = False,
    ) -> PotRedemption:
        """A request for dollars. An approved one is due, an exported one is with the bank."""
        key = key or f"redemption-{self.number()}"
        redemption = redemptions.request(self.db, person.id, pot, BANK, key=key)
        if approved or exported:
            redemptions.approve(self.db, redemption.id, self.approver.id)
            self.due(redemption)
        if exported:
            payouts.bank_export(self.db, self.payer.id)
        return redemption

    def due(self, redemption: PotRedemption, moment: datetime | None = None) -> None:
        """As if its waiting time were over."""
        with atomic(self.db):
            redemption.due_at = moment or now()
