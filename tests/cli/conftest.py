"""People for tests of commands."""

from tests.accounts.conftest import ada
from tests.matches.conftest import three

__all__ = ["ada", "three"]
