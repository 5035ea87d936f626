"""The platform's daily work: scheduled jobs, the shop, and operators who decide redemptions.

Everything calls the same services as the real jobs, pages and commands.
"""

from datetime import datetime

from sqlalchemy import select

from imatch.core import clock
from imatch.core.errors import DomainError
from imatch.ledger.models import CashAccount, PotAccount
from imatch.operations.simulation.people import Group, SimulatedPerson, set_up_payouts
from imatch.operations.simulation.plan import DAYS_PER_MONTH
from imatch.operations.simulation.world import World
from imatch.pot.awards import service as awards
from imatch.pot.models import PotRedemption, RedemptionStatus
from imatch.pot.policy import service as policy
from imatch.pot.redemption import payouts
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve import service as reserve
from imatch.pot.rules import PAYOUT_PER_POT
from imatch.pot.shop import service as shop
from imatch.pot.shop.catalog import Delivery, Spending

_DAYS_PER_WEEK = 7
_DELIVERED_SHARE = 0.95  # of orders; the rest is cancelled
# Options whose effect depends on other domains, here on verified credentials.
_NOT_SIMULATED = frozenset({"verified_badge"})


class BackOffice:
    """Runs jobs, operators and the shop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refused = 0
        self.offered = [
            spending for spending in shop.offered() if spending.name not in _NOT_SIMULATED
        ]
        world.schedule_daily(self._jobs, hour=0)
        world.schedule_daily(self._sell_to_people, hour=17)
        world.schedule_daily(self._request_redemptions, hour=19)
        world.schedule_daily(self._approve_redemptions, hour=20)
        world.schedule_daily(self._pay_redemptions, hour=21)

    @property
    def run_on_the_reserve(self) -> bool:
        behaviour = self.world.behaviour
        return 0 <= self.world.day - behaviour.run_day < behaviour.run_days

    def _jobs(self) -> None:
        db = self.world.db
        if self.world.day % _DAYS_PER_WEEK == 0:
            policy.run_week(db)
            awards.pay_queue(db)
        reserve.clear_due(db)
        shop.settle_due(db)

    def _sell_to_people(self) -> None:
        """A share of the people who can afford an option buy one."""
        world = self.world
        free = PotAccount.balance - PotAccount.held
        cheapest = min(spending.pot for spending in self.offered)
        rows = world.db.execute(
            select(PotAccount.user_id, free).where(free >= cheapest).order_by(PotAccount.user_id)
        ).all()
        shopping = world.rng.random(len(rows)) < world.behaviour.shops_a_month / DAYS_PER_MONTH
        for (user_id, free_pot), wants_to_shop in zip(rows, shopping, strict=True):
            person = world.population.by_id[user_id]
            # Rings and wash traders keep all their POT for cash.
            if wants_to_shop and person.group in (Group.HONEST, Group.FARM):
                self._sell(person, int(free_pot))

    def _sell(self, person: SimulatedPerson, free_pot: int) -> None:
        world = self.world
        wants_order = world.happens(world.behaviour.orders_among_purchases)
        affordable = [
            spending
            for spending in self.offered
            if spending.pot <= free_pot
            and (person.provider or not spending.for_providers)
            and (spending.delivery is Delivery.ORDER) is wants_order
        ]
        if not affordable:
            return
        spending: Spending = affordable[int(world.rng.integers(len(affordable)))]
        purchase = shop.buy(world.db, person.user_id, spending.name, key=f"sim:{world.next_id()}")
        if spending.delivery is Delivery.ORDER:
            purchase_id = purchase.id
            world.schedule(1, lambda: self._deliver(purchase_id))

    def _deliver(self, purchase_id: int) -> None:
        if self.world.happens(_DELIVERED_SHARE):
            shop.deliver(self.world.db, purchase_id)
        else:
            shop.cancel(self.world.db, purchase_id)

    def _request_redemptions(self) -> None:
        """Attackers redeem as early as possible, honest people sometimes, in a run all do."""
        world = self.world
        free = PotAccount.balance - PotAccount.held
        allowance = CashAccount.balance - CashAccount.held
        numbers = policy.current(world.db)
        min_pot = numbers.smallest_redemption
        rows = world.db.execute(
            select(PotAccount.user_id, free, allowance)
            .join(CashAccount, CashAccount.user_id == PotAccount.user_id)
            .where(free >= min_pot, allowance >= min_pot * PAYOUT_PER_POT.cents)
            .order_by(PotAccount.user_id)
        ).all()
        run_probability = 1.0 if self.run_on_the_reserve else None
        for user_id, free_pot, cents in rows:
            person = world.population.by_id[user_id]
            probability = run_probability or (
                world.behaviour.redeems_a_month / DAYS_PER_MONTH
                if person.group is Group.HONEST
                else 1.0
            )
            if world.happens(probability):
                max_pot = min(int(free_pot), int(cents) // PAYOUT_PER_POT.cents)
                self._request(person, max_pot, numbers)

    def _request(self, person: SimulatedPerson, max_pot: int, numbers: policy.Numbers) -> None:
        world = self.world
        if self.run_on_the_reserve:
            set_up_payouts(world.db, person, world.population.operators[0], world.day)
        requested_in_30_days = sum(pot for day, pot in person.requests if day > world.day - 30)
        requested_in_a_year = sum(pot for day, pot in person.requests if day > world.day - 365)
        pot = min(
            max_pot,
            numbers.most_a_day,
            numbers.most_in_30_days - requested_in_30_days,
            numbers.most_in_a_year - requested_in_a_year,
        )
        if not person.payouts_set_up or pot < numbers.smallest_redemption:
            return
        try:
            redemptions.request(
                world.db, person.user_id, pot, "bank_transfer", key=f"sim{world.next_id()}"
            )
        except DomainError:
            self.refused += 1
        else:
            person.requests.append((world.day, pot))

    def _approve_redemptions(self) -> None:
        db, operator = self.world.db, self.world.population.operators[0]
        for redemption_id in self._ids(RedemptionStatus.PENDING):
            redemptions.approve(db, redemption_id, operator)

    def _pay_redemptions(self) -> None:
        db, operator = self.world.db, self.world.population.operators[1]
        if not self._ids(RedemptionStatus.APPROVED, due_before=clock.now()):
            return
        for redemption in payouts.payable(db):
            payouts.mark_paid(db, redemption.id, operator, f"bank {redemption.id}")

    def _ids(self, status: RedemptionStatus, due_before: datetime | None = None) -> list[int]:
        query = select(PotRedemption.id).where(PotRedemption.status == status)
        if due_before is not None:
            query = query.where(PotRedemption.due_at <= due_before)
        return list(self.world.db.scalars(query.order_by(PotRedemption.id)))
