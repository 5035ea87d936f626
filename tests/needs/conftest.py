"""Needs begun in a browser, as in the tests of the finding walk."""

from tests.intake.conftest import begun, other_browser

__all__ = ["begun", "other_browser"]
