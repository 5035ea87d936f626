"""People whom commands show."""

from tests.accounts.conftest import ada
from tests.matches.conftest import three

__all__ = ["ada", "three"]
