"""What the platform does every day: scheduled jobs, operators' work, the shop and the cash desk.

Everything here calls what the real jobs, pages and commands call.
"""

from datetime import datetime

from sqlalchemy import select

from imatch.core import clock
from imatch.core.errors import DomainError
from imatch.ledger.models import CashAccount, PotAccount
from imatch.operations.simulation.people import Group, SimulatedPerson, open_for_payouts
from imatch.operations.simulation.plan import DAYS_A_MONTH
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

_DAYS_A_WEEK = 7
_DELIVERED = 0.95  # of what was ordered; the rest is cancelled
# They need a listener outside the economy: checked credentials.
_NOT_FOR_SALE_HERE = frozenset({"verified_badge"})


class Desk:
    """Jobs, operators and the shop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refused = 0
        self.offered = [
            spending for spending in shop.offered() if spending.name not in _NOT_FOR_SALE_HERE
        ]
        world.every_day(self._jobs, hour=0)
        world.every_day(self._serve_shoppers, hour=17)
        world.every_day(self._take_requests, hour=19)
        world.every_day(self._decide_requests, hour=20)
        world.every_day(self._pay, hour=21)

    @property
    def running_on_the_reserve(self) -> bool:
        behaviour = self.world.behaviour
        return 0 <= self.world.day - behaviour.run_day < behaviour.run_days

    def _jobs(self) -> None:
        db = self.world.db
        if self.world.day % _DAYS_A_WEEK == 0:
            policy.run_week(db)
            awards.pay_queue(db)
        reserve.clear_due(db)
        shop.settle_due(db)

    def _serve_shoppers(self) -> None:
        """Some of those who can afford something buy something they can afford."""
        world = self.world
        free = PotAccount.balance - PotAccount.held
        cheapest = min(spending.pot for spending in self.offered)
        found = world.db.execute(
            select(PotAccount.user_id, free).where(free >= cheapest).order_by(PotAccount.user_id)
        ).all()
        drawn = world.rng.random(len(found)) < world.behaviour.shops_a_month / DAYS_A_MONTH
        for (user_id, has), shops in zip(found, drawn, strict=True):
            person = world.population.by_id[user_id]
            # Rings and washing pairs want cash and keep everything for it.
            if shops and person.group in (Group.HONEST, Group.FARM):
                self._sell(person, int(has))

    def _sell(self, person: SimulatedPerson, has: int) -> None:
        world = self.world
        by_hand = world.happens(world.behaviour.orders_among_purchases)
        affordable = [
            spending
            for spending in self.offered
            if spending.pot <= has
            and (person.provider or not spending.for_providers)
            and (spending.delivery is Delivery.ORDER) is by_hand
        ]
        if not affordable:
            return
        spending: Spending = affordable[int(world.rng.integers(len(affordable)))]
        bought = shop.buy(world.db, person.user_id, spending.name, key=f"sim:{world.number()}")
        if spending.delivery is Delivery.ORDER:
            purchase_id = bought.id
            world.later(1, lambda: self._deliver(purchase_id))

    def _deliver(self, purchase_id: int) -> None:
        if self.world.happens(_DELIVERED):
            shop.deliver(self.world.db, purchase_id)
        else:
            shop.cancel(self.world.db, purchase_id)

    def _take_requests(self) -> None:
        """Attackers ask for cash as soon as they may, honest people now and then; all in a run."""
        world = self.world
        free = PotAccount.balance - PotAccount.held
        allowance = CashAccount.balance - CashAccount.held
        numbers = policy.current(world.db)
        least = numbers.smallest_redemption
        found = world.db.execute(
            select(PotAccount.user_id, free, allowance)
            .join(CashAccount, CashAccount.user_id == PotAccount.user_id)
            .where(free >= least, allowance >= least * PAYOUT_PER_POT.cents)
            .order_by(PotAccount.user_id)
        ).all()
        chance = 1.0 if self.running_on_the_reserve else None
        for user_id, has, cents in found:
            person = world.population.by_id[user_id]
            willing = chance or (
                world.behaviour.redeems_a_month / DAYS_A_MONTH
                if person.group is Group.HONEST
                else 1.0
            )
            if world.happens(willing):
                most = min(int(has), int(cents) // PAYOUT_PER_POT.cents)
                self._request(person, most, numbers)

    def _request(self, person: SimulatedPerson, most: int, numbers: policy.Numbers) -> None:
        world = self.world
        if self.running_on_the_reserve:
            open_for_payouts(world.db, person, world.population.operators[0], world.day)
        used = sum(pot for day, pot in person.requests if day > world.day - 30)
        used_this_year = sum(pot for day, pot in person.requests if day > world.day - 365)
        pot = min(
            most,
            numbers.most_a_day,
            numbers.most_in_30_days - used,
            numbers.most_in_a_year - used_this_year,
        )
        if not person.may_be_paid or pot < numbers.smallest_redemption:
            return
        try:
            redemptions.request(
                world.db, person.user_id, pot, "bank_transfer", key=f"sim{world.number()}"
            )
        except DomainError:
            self.refused += 1
        else:
            person.requests.append((world.day, pot))

    def _decide_requests(self) -> None:
        db, operator = self.world.db, self.world.population.operators[0]
        for redemption_id in self._ids(RedemptionStatus.PENDING):
            redemptions.approve(db, redemption_id, operator)

    def _pay(self) -> None:
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
