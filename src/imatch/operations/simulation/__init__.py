"""Simulation of the POT economy: honest people and attackers under the real rules and books.

    result = simulate(db, Plan(months=24, seekers=3_900, providers=800, attackers=300))

People and events are random. Awards, caps, budget, queue, prices, clearing, redemptions, clawbacks
and the weekly policy are those of the product, in a separate database.
"""

from imatch.operations.simulation.measures import Claim, SimulatedWeek, SimulationResult
from imatch.operations.simulation.plan import Behaviour, Plan
from imatch.operations.simulation.run import simulate

__all__ = ["Behaviour", "Claim", "Plan", "SimulatedWeek", "SimulationResult", "simulate"]
