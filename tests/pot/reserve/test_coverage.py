"""In any order of steps the reserve covers the payable amount, and the books balance."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, true
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.errors import DomainError
from imatch.facts.marketplace import EngagementReversed
from imatch.ledger import CASH
from imatch.ledger.queries import people_totals, system_balances
from imatch.pot.models import PotRedemption
from imatch.pot.redemption import payouts
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as reserve
from imatch.pot.reserve.coverage import coverage
from imatch.pot.reserve.models import PotCommission
from tests.factories import Make

ACTS = ("pay", "clear", "reverse", "request", "approve", "export", "paid", "cancel", "days")
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2**16)), min_size=12, max_size=30)
pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("cash_redemption_on")]


class Sequence:
    """Applies random steps. Refusals are allowed; `check` asserts the invariants."""

    def __init__(self, make: Make, people: list[User], clock: Callable[..., None]) -> None:
        self.make, self.people, self.clock = make, people, clock
        self.db = make.db
        self.requests = 0

    def apply(self, act: str, chance: int) -> None:
        try:
            getattr(self, act)(chance)
        except DomainError:
            return

    def pay(self, chance: int) -> None:
        provider, seeker = (self.people[chance % 2], self.people[2])
        cents = 1 + chance * 7
        self.make.commission(provider=provider, seeker=seeker, commission_cents=cents)

    def clear(self, chance: int) -> None:
        self.clock(timedelta(days=chance % 121))
        reserve.clear_due(self.db)

    def reverse(self, chance: int) -> None:
        engagements = list(self.db.scalars(select(PotCommission.engagement_id)))
        engagement = engagements[chance % len(engagements)]
        reserve.on_engagement_reversed(self.db, EngagementReversed(engagement, "dispute"))

    def request(self, chance: int) -> None:
        person = self.people[chance % 3]
        pot = 100 + chance % 151
        self.requests += 1
        key = str(self.requests)
        redemption = redemptions.request(self.db, person.id, pot, "bank_transfer", key=key)
        if chance % 2:
            redemptions.approve(self.db, redemption.id, self.make.approver.id)

    def approve(self, chance: int) -> None:
        redemptions.approve(self.db, self._request_id(chance, "pending"), self.make.approver.id)

    def export(self, chance: int) -> None:
        self.clock(timedelta(days=chance % 9))
        payouts.bank_export(self.db, self.make.payer.id)

    def paid(self, chance: int) -> None:
        self.clock(timedelta(days=chance % 9))
        payer = self.make.payer.id
        payouts.mark_paid(self.db, self._request_id(chance, "approved"), payer, "B")

    def cancel(self, chance: int) -> None:
        redemption = redemption_queries.of_id(self.db, self._request_id(chance))
        redemptions.cancel(self.db, redemption.user_id, redemption.id)

    def days(self, chance: int) -> None:
        self.clock(timedelta(days=chance % 70))

    def _request_id(self, chance: int, *statuses: str) -> int:
        """The id of a request in one of these states, or in any state; 0 if there is none."""
        row = PotRedemption
        query = select(row.id).where(row.status.in_(statuses) if statuses else true())
        ids = list(self.db.scalars(query.order_by(row.id)))
        return ids[chance % len(ids)] if ids else 0

    def check(self) -> None:
        current, system = coverage(self.db), system_balances(self.db, CASH)
        assert current.reserve.cents >= current.payable.cents >= 0
        assert current.reserve.cents + system["lost"] >= current.allowances.cents
        people, held = people_totals(self.db, CASH)
        assert people >= held >= 0
        assert people + sum(system.values()) == 0
        for person in self.people:
            standing = redemption_queries.standing(self.db, person.id)
            assert 0 <= standing.redeemable_now * 80 <= standing.allowance.cents


@given(steps=STEPS)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_reserve_holds_what_may_be_paid(
    db: Session, make: Make, steps: list[tuple[str, int]]
) -> None:
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        people = [make.redeemer(pot=3_000, covered_pot=200) for _ in range(3)]
        sequence = Sequence(make, people, clock.shift)
        for act, chance in steps:
            sequence.apply(act, chance)
            sequence.check()
