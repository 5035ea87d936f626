"""Whatever happens in whatever order, the reserve holds what may be paid, and the books balance."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.errors import DomainError
from imatch.facts import EngagementReversed
from imatch.ledger import CASH
from imatch.ledger.queries import people_totals, system_balances
from imatch.pot import clearing, payouts, redemptions
from imatch.pot.coverage import coverage
from tests.make import Make
from tests.pot.redeeming import Redeeming, cash_redemption

ACTS = ("pay", "clear", "reverse", "request", "approve", "export", "paid", "cancel", "days")
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 2**16)), max_size=40)


@pytest.fixture(autouse=True)
def _switched_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with cash_redemption(monkeypatch, on=True):
        yield


class Sequence:
    """Applies steps; refusals are fine, broken books are not."""

    def __init__(
        self, redeeming: Redeeming, people: list[User], clock: Callable[..., None]
    ) -> None:
        self.redeeming, self.people, self.clock = redeeming, people, clock
        self.db = redeeming.db
        self.engagements: list[int] = []
        self.requests: list[int] = []

    def apply(self, act: str, chance: int) -> None:
        try:
            getattr(self, act)(chance)
        except DomainError:
            return

    def pay(self, chance: int) -> None:
        provider, seeker = (self.people[chance % 2], self.people[2])
        cents = 1 + chance * 7
        fact = self.redeeming.paid(provider=provider, seeker=seeker, commission_cents=cents)
        self.engagements.append(fact.engagement_id)

    def clear(self, _chance: int) -> None:
        clearing.clear_due(self.db)

    def reverse(self, chance: int) -> None:
        if self.engagements:
            engagement = self.engagements[chance % len(self.engagements)]
            clearing.hear_reversed(self.db, EngagementReversed(engagement, "dispute"))

    def request(self, chance: int) -> None:
        person = self.people[chance % 3]
        pot = 100 + chance % 151
        key = str(len(self.requests))
        made = redemptions.request(self.db, person.id, pot, "bank_transfer", key=key)
        self.requests.append(made.id)

    def approve(self, chance: int) -> None:
        redemptions.approve(self.db, self._one(chance), self.redeeming.operator.id)

    def export(self, _chance: int) -> None:
        payouts.bank_export(self.db, self.redeeming.second_operator.id)

    def paid(self, chance: int) -> None:
        payer = self.redeeming.second_operator.id
        payouts.mark_paid(self.db, self._one(chance), payer, "B")

    def cancel(self, chance: int) -> None:
        redemption = redemptions.of_id(self.db, self._one(chance))
        redemptions.cancel(self.db, redemption.user_id, redemption.id)

    def days(self, chance: int) -> None:
        self.clock(timedelta(days=chance % 70))

    def _one(self, chance: int) -> int:
        return self.requests[chance % len(self.requests)] if self.requests else 0

    def check(self) -> None:
        found, system = coverage(self.db), system_balances(self.db, CASH)
        assert found.reserve_cents >= found.payable_cents >= 0
        if not system["lost"]:
            assert found.reserve_cents >= found.allowances_cents
        people, held = people_totals(self.db, CASH)
        assert people >= held >= 0
        assert people + sum(system.values()) == 0
        for person in self.people:
            standing = redemptions.standing(self.db, person.id)
            assert 0 <= standing.redeemable_now * 80 <= standing.allowance_cents


@given(steps=STEPS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_reserve_holds_what_may_be_paid(
    db: Session, make: Make, steps: list[tuple[str, int]]
) -> None:
    begun = now()
    with time_machine.travel(begun, tick=False) as clock:
        redeeming = Redeeming(db, make)
        people = [redeeming.redeemer(pot=3_000, covered_pot=200) for _ in range(3)]
        sequence = Sequence(redeeming, people, clock.shift)
        for act, chance in steps:
            sequence.apply(act, chance)
            sequence.check()
