"""Demo data: fictional people and ninety days of their POT economy, generated from a seed."""

from imatch.operations.demo.economy import generate_history
from imatch.operations.demo.generate import DEMO_DOMAIN, DemoCounts, generate, is_demo

__all__ = ["DEMO_DOMAIN", "DemoCounts", "generate", "generate_history", "is_demo"]
