"""Professionals with POT, as in the tests of profiles."""

from tests.providers.conftest import hire

__all__ = ["hire"]
