"""Fixtures of the intake tests: a browser with a started need, and another browser."""

from tests.intake.conftest import begun, other_browser

__all__ = ["begun", "other_browser"]
