"""Runs a simulation day by day."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core import clock
from imatch.core.database import atomic
from imatch.core.events import only_listeners
from imatch.ledger import CASH, POT
from imatch.ledger.models import PotTransaction
from imatch.ledger.sealing.seals import seal
from imatch.operations.simulation.attacks import Attackers
from imatch.operations.simulation.back_office import BackOffice
from imatch.operations.simulation.honest import HonestPeople
from imatch.operations.simulation.market import Market
from imatch.operations.simulation.measures import Measures, SimulationResult
from imatch.operations.simulation.people import create_population
from imatch.operations.simulation.plan import START, Plan
from imatch.operations.simulation.world import LISTENERS, World
from imatch.pot.models import OPEN_REDEMPTIONS, PotRedemption, RedemptionStatus
from imatch.pot.policy import service as policy


def simulate(
    db: Session, plan: Plan, *, progress: Callable[[int], None] = lambda _day: None
) -> SimulationResult:
    """Simulate the months of the plan in an empty, migrated database, to be discarded afterwards.

    `progress` is called with the number of finished days.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    rng = np.random.default_rng(plan.seed)
    with clock.frozen(START), atomic(db):
        policy.genesis(db)
        world = World(db, plan, rng, create_population(db, plan, rng))
    office, market = BackOffice(world), Market(world)
    HonestPeople(world, market)
    Attackers(world, market)
    measures = Measures(world)
    for day in range(plan.days):
        world.day = day
        with atomic(db), only_listeners(LISTENERS):
            _run_day(world)
        with clock.frozen(world.today + timedelta(days=1)):
            _seal(db)
        progress(day + 1)
    with clock.frozen(world.today):
        result = _result(world, office, measures)
    return replace(
        result,
        seconds=round(time.perf_counter() - began, 1),
        cpu_seconds=round(time.process_time() - cpu_began, 1),
    )


def _seal(db: Session) -> None:
    """Seal both books, as the scheduled job does."""
    for book in (POT, CASH):
        while seal(db, book):
            pass


def _run_day(world: World) -> None:
    """Run the actions of today in order, each with the clock frozen at its time."""
    tomorrow = world.today + timedelta(days=1)
    while (moment := world.agenda.next_moment(tomorrow)) is not None:
        with clock.frozen(moment):
            for action in world.agenda.pop_due(moment):
                action()
            world.process_facts()


def _result(world: World, office: BackOffice, measures: Measures) -> SimulationResult:
    db = world.db

    def redemptions(*statuses: RedemptionStatus) -> int:
        counted = select(func.count()).select_from(PotRedemption)
        return db.scalar(counted.where(PotRedemption.status.in_(statuses))) or 0

    return SimulationResult(
        plan=world.plan,
        weeks=measures.weeks,
        groups=measures.groups(),
        checks=measures.checks(),
        facts=world.facts,
        transactions=db.scalar(select(func.count()).select_from(PotTransaction)) or 0,
        redemptions_paid=redemptions(RedemptionStatus.PAID),
        redemptions_waiting=redemptions(*OPEN_REDEMPTIONS),
        redemptions_refused=office.refused,
    )
