"""A marketplace full of fictional people, from a seed: to try the product, show it, measure it."""

from imatch.operations.demo.economy import live
from imatch.operations.demo.generate import DEMO_DOMAIN, DemoCounts, generate, is_demo

__all__ = ["DEMO_DOMAIN", "DemoCounts", "generate", "is_demo", "live"]
